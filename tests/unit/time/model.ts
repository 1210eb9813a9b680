/** What a story about time must come to, worked out from what was asked alone. */
import type { Entry } from '../../support/actors-timers.ts';
import type { Ask, Peak, Told } from './story.ts';

/** How late something may be while nothing fails, in milliseconds. */
const MOST_LATE_MS = 50;

/** Everything about a story that breaks G11; empty when it holds. */
export function findFaults(told: Told): readonly string[] {
  const faults = [...told.faults];
  for (const [actor, diary] of told.diaries) {
    const asks = told.asks.filter((ask) => ask.actor === actor);
    const inner = diary.filter(({ slot }) => !slot.startsWith('ref-'));
    const fires = diary.filter(({ slot }) => slot.startsWith('ref-'));
    const found = [...replay(inner, told), ...findLost(asks, diary), ...judgeSchedule(asks, fires, told)];
    faults.push(...found.map((fault) => `${actor}: ${fault}`));
  }
  return faults;
}

/** The diary of a machine tells by itself whether each fire was that of what stood there, and whether all have fired. */
function replay(diary: readonly Entry[], told: Told): readonly string[] {
  const faults: string[] = [];
  const standing = new Map<string, Entry>();
  for (const entry of diary) {
    const { what, slot, id } = entry;
    if (what === 'set') standing.set(slot, entry);
    if (what === 'cancel') standing.delete(slot);
    if (what !== 'fire') continue;
    const set = standing.get(slot);
    if (set?.id !== id) faults.push(`'${id}' fired in '${slot}' where '${set?.id ?? 'nothing'}' stood`);
    else faults.push(...judgeTime(set, entry, told));
    standing.delete(slot);
  }
  return [...faults, ...[...standing.values()].map(({ id, slot }) => `'${id}' in '${slot}' never fired`)];
}

function judgeTime(set: Pick<Ask, 'dueAt' | 'at' | 'tick'>, fire: Entry, told: Told): readonly string[] {
  const wasReached = ({ tick, now }: Peak): boolean => tick > set.tick && tick < fire.tick && now >= set.dueAt;
  const lateMs = fire.at - set.dueAt;
  if (lateMs < 0 && !told.peaks.some(wasReached)) return [`'${fire.id}' fired ${-lateMs} ms early`];
  const isLate = set.dueAt <= told.calmUntil && fire.at - Math.max(set.dueAt, set.at) > MOST_LATE_MS;
  return isLate ? [`'${fire.id}' fired ${lateMs} ms late`] : [];
}

function findLost(asks: readonly Ask[], diary: readonly Entry[]): readonly string[] {
  const known = new Set(diary.filter(({ what }) => what === 'set').map(({ id }) => id));
  return asks
    .filter(({ what, id, ackedTick }) => what === 'event' && id !== '' && ackedTick !== undefined && !known.has(id))
    .map(({ id }) => `the event that set '${id}' was acknowledged and is not in the diary`);
}

/** Commands of code take no turn, so that the diary knows only what came of them. */
function judgeSchedule(asks: readonly Ask[], fires: readonly Entry[], told: Told): readonly string[] {
  const faults: string[] = [];
  const commands = asks.filter(({ what }) => what !== 'event');
  for (const fire of fires) {
    const ask = commands.find(({ id }) => id === fire.id);
    if (!ask) faults.push(`'${fire.id}' fired and nobody scheduled it`);
    else faults.push(...judgeTime(ask, fire, told), ...judgeMove(ask, commands, fire));
    if (fires.filter(({ id }) => id === fire.id).length > 1) faults.push(`'${fire.id}' fired twice`);
  }
  const fired = new Set(fires.map(({ id }) => id));
  for (const key of new Set(commands.map((ask) => ask.key)))
    faults.push(
      ...judgeLast(
        commands.filter((ask) => ask.key === key),
        fired,
      ),
    );
  return faults;
}

/** Nothing fires once it is known that it was moved or taken back. */
function judgeMove(ask: Ask, commands: readonly Ask[], fire: Entry): readonly string[] {
  const isLater = (other: Ask): boolean => other.key === ask.key && other.tick > ask.tick;
  const moved = commands.find((other) => isLater(other) && (other.ackedTick ?? Infinity) < fire.tick);
  return moved ? [`'${ask.id}' fired after '${moved.what} ${moved.key} ${moved.id}' was acknowledged`] : [];
}

/** The last command that was acknowledged counts, unless one whose outcome nobody knows came after it. */
function judgeLast(commands: readonly Ask[], fired: ReadonlySet<string>): readonly string[] {
  const last = commands.findLastIndex(({ ackedTick }) => ackedTick !== undefined);
  const open = commands.slice(Math.max(0, last));
  if (last === -1 || open.some(({ what }) => what === 'unschedule')) return [];
  return open.some(({ id }) => fired.has(id)) ? [] : [`'${open[0]?.id}' under '${open[0]?.key}' never fired`];
}
