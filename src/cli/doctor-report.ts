/** Facts and findings of the doctor as lines for a person. Pure. */
import type { ConsumerFacts, Finding, NatsFacts } from '../nats/diagnosis.ts';
import { toGroupName, toStreamName } from '../nats/names.ts';
import type { SystemCard } from '../nats/systems.ts';
import { toLine, toSize, toSpan } from './text.ts';

const LABEL_COLUMNS = 10;
const MARKS = { good: 'ok  ', note: 'note', mend: 'MEND' } as const;

/** What was found out. */
export function describeFacts(facts: NatsFacts): readonly string[] {
  return [
    line('server', describeServer(facts)),
    line('jetstream', describeJetStream(facts)),
    line('stream', describeStream(facts)),
    line('sync', describeSync(facts)),
    ...facts.consumers.filter(({ isDurable }) => isDurable).map((each) => line('group', describeGroup(each))),
    line('readers', `${facts.consumers.filter(({ isDurable }) => !isDurable).length}`),
    ...(facts.systems.length === 0 ? [line('systems', 'none answers')] : []),
    ...facts.systems.map((each) => line('system', describeSystem(each))),
  ];
}

/** What it means, and the next step below it. */
export function describeFinding({ level, text, next }: Finding): readonly string[] {
  const first = toLine(`${MARKS[level]}  ${text}`);
  return next === undefined ? [first] : [first, toLine(next).replace(/^/, '      → ')];
}

function line(label: string, text: string): string {
  return `${label.padEnd(LABEL_COLUMNS)} ${toLine(text)}`;
}

function describeServer({ server: { version, name, url, cluster, maxPayload } }: NatsFacts): string {
  const where = cluster === undefined ? '' : `, cluster '${cluster}'`;
  return `NATS ${version} at ${url}, name '${name}'${where}, messages of at most ${toSize(maxPayload)}`;
}

function describeJetStream({ account, jetStream }: NatsFacts): string {
  if (!jetStream) return account === 'system account' ? 'not in the system account' : 'none';
  const { fileBytes, maxFileBytes, memoryBytes, maxMemoryBytes, streams, consumers } = jetStream;
  const used = `disk ${describeUse(fileBytes, maxFileBytes)}, memory ${describeUse(memoryBytes, maxMemoryBytes)}`;
  return `${used}, ${streams} streams, ${consumers} consumers`;
}

function describeUse(bytes: number, most: number): string {
  return most < 0 ? `${toSize(bytes)} (no limit of the account)` : `${toSize(bytes)} of ${toSize(most)}`;
}

function describeStream({ namespace, stream, oldestMs, account }: NatsFacts): string {
  if (!stream) return account === 'with JetStream' ? `'${toStreamName(namespace)}' does not exist` : 'not asked for';
  const { name, messages, bytes, replicas, storage, maxAgeMs, duplicateWindowMs } = stream;
  const age = oldestMs === undefined ? '' : `, the oldest ${toSpan(oldestMs)} old`;
  const kept = maxAgeMs > 0 ? `kept ${toSpan(maxAgeMs)}` : 'kept without limit of age';
  const copies = `${replicas} ${replicas === 1 ? 'copy' : 'copies'} (${storage})`;
  return `'${name}': ${messages} events, ${toSize(bytes)}${age}; ${kept}, ${copies}, duplicates known for ${toSpan(duplicateWindowMs)}`;
}

function describeSync({ sync, account }: NatsFacts): string {
  if (account === 'without JetStream') return 'nothing to sync';
  if (sync.length === 0) return 'unknown';
  return sync
    .map(({ server, isAlways, intervalMs, from }) => {
      const when = isAlways ? 'every message' : `every ${toSpan(intervalMs)}`;
      return `${sync.length > 1 ? `${server}: ` : ''}${when} (${from})`;
    })
    .join(', ');
}

function describeGroup({ name, pending, unacknowledged, redelivered, waiting }: ConsumerFacts): string {
  return `'${toGroupName(name)}': ${pending} waiting, ${unacknowledged} being handled, ${redelivered} given again, ${waiting} requests open`;
}

/** Whoever may publish there may say anything of itself. */
function describeSystem({ name, storeId, version, host, pid, types, startedAt }: SystemCard): string {
  const serves = types.length === 0 ? 'serves no actors' : `serves ${types.join(', ')}`;
  return `'${name}': Troupe ${version} on ${host}, process ${pid}, store ${storeId}, since ${startedAt}; ${serves}`;
}
