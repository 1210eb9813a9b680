/** Rule `troupe/import-layers`: holds the table in `layers.mjs`. */
import { builtinModules } from 'node:module';
import { dirname, relative, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

import { ADAPTERS, CLOSED_FOLDERS, PRODUCTS } from './layers.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** The rule. */
export const importLayers = {
  meta: { type: 'problem', messages: { layer: '{{fault}}' } },
  create(context) {
    const file = toRootPath(context.filename);
    const check = (node, isType) => {
      if (typeof node.source?.value !== 'string') return;
      const fault = findFault(file, toTarget(node.source.value, context.filename), isType);
      if (fault) context.report({ node: node.source, messageId: 'layer', data: { fault } });
    };
    return {
      ImportDeclaration: (node) => check(node, isTypeImport(node)),
      ExportNamedDeclaration: (node) => check(node, node.exportKind === 'type'),
      ExportAllDeclaration: (node) => check(node, node.exportKind === 'type'),
      ImportExpression: (node) => check(node, false),
    };
  },
};

function isTypeImport({ importKind, specifiers }) {
  return (
    importKind === 'type' || (specifiers.length > 0 && specifiers.every((specifier) => specifier.importKind === 'type'))
  );
}

function toRootPath(path) {
  return relative(root, path).split(sep).join('/');
}

/** A file of the repository, a module of Node.js, or a package. */
function toTarget(specifier, fromPath) {
  if (specifier.startsWith('.')) return { kind: 'file', name: toRootPath(resolve(dirname(fromPath), specifier)) };
  if (specifier.startsWith('node:') || builtinModules.includes(specifier)) {
    return { kind: 'node', name: `node:${specifier.replace(/^node:/, '')}` };
  }
  return { kind: 'package', name: specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/') };
}

function findFault(file, target, isType) {
  if (target.kind === 'package') {
    const product = PRODUCTS.find(({ name, files }) => name === target.name && !matchesAny(file, files));
    if (product && file.startsWith('src/')) return `Only ${product.files.join(', ')} may import '${product.name}'.`;
  }
  if (isType) return undefined;
  if (target.kind === 'file' && file.startsWith('src/')) {
    const adapter = ADAPTERS.find(
      ({ files, importers }) => matchesAny(target.name, files) && !matchesAny(file, importers),
    );
    if (adapter) return `'${target.name}' is an adapter. Only ${adapter.importers.join(', ')} may import it.`;
  }
  const folder = CLOSED_FOLDERS.find(({ files }) => matchesAny(file, files));
  return folder && !isOpen(folder, target)
    ? `'${target.name}' must not be imported in ${folder.files.join(', ')}.`
    : undefined;
}

function isOpen(folder, { kind, name }) {
  if (kind === 'package') return folder.packages.includes(name);
  if (kind === 'node') return !matchesAny(name, folder.closedModules);
  return folder.openFiles ? matchesAny(name, folder.openFiles) : !matchesAny(name, folder.closedFiles);
}

function matchesAny(path, patterns) {
  return patterns.some((pattern) => toRegExp(pattern).test(path));
}

function toRegExp(pattern) {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*\*|\*/g, (stars) => (stars === '**' ? '.*' : '[^/]*'));
  return new RegExp(`^${source}$`);
}
