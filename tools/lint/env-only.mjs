/**
 * Rule `troupe/env-only`: time and randomness come from `Env`, so that a simulated one decides them in tests. Reports
 * the globals and the modules of Node.js that would go around it.
 */

const TIMERS = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate'];
const MEMBERS = {
  Date: ['now'],
  Math: ['random'],
  performance: ['now', 'timeOrigin'],
  crypto: ['randomUUID', 'getRandomValues'],
};
const RANDOM = [
  'randomBytes',
  'randomUUID',
  'randomInt',
  'randomFill',
  'randomFillSync',
  'getRandomValues',
  'webcrypto',
];
const MODULES = {
  timers: 'all',
  'timers/promises': 'all',
  perf_hooks: ['performance'],
  crypto: RANDOM,
};

/** The rule. */
export const envOnly = {
  meta: {
    type: 'problem',
    messages: {
      envOnly: "'{{name}}' goes around Env. Use the Env that was passed in: now(), setTimeout(), random(), randomId().",
    },
  },
  create(context) {
    const cryptoNames = new Set();
    const report = (node, name) => context.report({ node, messageId: 'envOnly', data: { name } });
    return {
      'Program:exit'(program) {
        for (const identifier of freeIdentifiers(context.sourceCode.getScope(program))) {
          const name = findGlobal(identifier);
          if (name) report(identifier, name);
        }
      },
      ImportDeclaration(node) {
        if (node.importKind === 'type') return;
        for (const name of findImports(node)) report(node, name);
        for (const name of findWholeCrypto(node)) cryptoNames.add(name);
      },
      MemberExpression(node) {
        const { name } = node.object;
        const member = memberOf(node.object);
        if (cryptoNames.has(name) && RANDOM.includes(member)) report(node, `${name}.${member}`);
      },
    };
  },
};

/** Identifiers that no declaration of the file explains. */
function freeIdentifiers(scope) {
  const isGlobal = (variable) => variable.defs.length === 0;
  const known = scope.variables.filter(isGlobal).flatMap((variable) => variable.references);
  return new Set([...scope.through, ...known].map((reference) => reference.identifier));
}

function findGlobal(identifier) {
  const { name, parent } = identifier;
  if (TIMERS.includes(name)) return parent.type === 'TSTypeQuery' ? undefined : name;
  const member = memberOf(identifier);
  if (name === 'globalThis' && member && (TIMERS.includes(member) || member in MEMBERS)) return `globalThis.${member}`;
  if (MEMBERS[name]?.includes(member)) return `${name}.${member}`;
  return name === 'Date' && readsTheClock(identifier) ? 'new Date()' : undefined;
}

function memberOf(identifier) {
  const { parent } = identifier;
  if (parent.type !== 'MemberExpression' || parent.object !== identifier) return undefined;
  return parent.computed ? parent.property.value : parent.property.name;
}

function readsTheClock(identifier) {
  const { parent } = identifier;
  if (parent.callee !== identifier) return false;
  return parent.type === 'CallExpression' || parent.arguments.length === 0;
}

function findImports(node) {
  const source = node.source.value.replace(/^node:/, '');
  const closed = MODULES[source];
  if (!closed) return [];
  if (closed === 'all') return [node.source.value];
  return node.specifiers
    .filter((specifier) => specifier.importKind !== 'type')
    .map((specifier) => specifier.imported?.name)
    .filter((name) => closed.includes(name))
    .map((name) => `${name} of ${node.source.value}`);
}

/** Local names of `import * as crypto` and `import crypto`. */
function findWholeCrypto({ source, specifiers }) {
  if (source.value.replace(/^node:/, '') !== 'crypto') return [];
  return specifiers.filter(({ type }) => type !== 'ImportSpecifier').map(({ local }) => local.name);
}
