/** What hosts tell main, each word taken to the part it is for. */
import type { StateView } from '../actor/define.ts';
import type { LogLevel, Logger } from '../observe/logger.ts';
import type { MainEntry } from '../thread/protocol.ts';
import type { SystemCore } from './core.ts';
import type { Outbox } from './outbox.ts';
import type { Threads } from './threads.ts';
import type { Timetable } from './timetable.ts';

/** Who takes what; some are there only once the system has begun. */
export interface Takers {
  readonly core: SystemCore;
  readonly log: Logger;
  readonly outbox: Outbox | undefined;
  readonly timetable: Timetable | undefined;
  readonly threads: Threads | undefined;
}

/** Takes what the host at `index` tells main. */
export function takeWord({ core, log, outbox, timetable, threads }: Takers, entry: MainEntry, index: number): void {
  switch (entry.k) {
    case 'ack':
      return core.sends.acknowledge(entry.n, entry.error, entry.reply);
    case 'answer':
      return core.requests.answer(entry.q, entry.error, entry.view);
    case 'state':
      return core.watches.publish(entry.of, entry.view as StateView);
    case 'reply':
      return outbox?.reply(entry.ask, entry.value, entry.pos);
    case 'deliver': {
      const { id, channel, of: from, payload, pos, once } = entry;
      const delivery = { id, channel, from, payload };
      return once ? outbox?.deliverOnce(delivery) : outbox?.deliver(delivery, pos);
    }
    case 'due':
      return timetable?.note(entry.of, entry.at);
    case 'credit':
      return core.tells.credit(index, entry.n);
    case 'tell':
      return void core.tells.tell(entry.to, JSON.stringify(entry.event), undefined).catch(() => {});
    case 'wanted':
      return threads?.ensure(entry.of);
    case 'vacant':
      return void threads?.release(entry.of);
    case 'log':
      return log[entry.level as LogLevel](entry.text, entry.fields);
  }
}
