/** A published event as others know it: CloudEvents 1.0, structured, as JSON. Pure. */
import type { BusEventRow } from '../store/store.ts';

/** JSON text of an event. Its type is its topic; attributes of its publisher stand beside ours. */
export function toCloudEventText(row: BusEventRow): string {
  const { id, source, topic, time, priority, text, attributes } = row;
  const own = {
    specversion: '1.0',
    id,
    source,
    type: topic,
    time: new Date(time).toISOString(),
    datacontenttype: 'application/json',
    priority,
  };
  // The texts are JSON already: nothing is parsed that may be large.
  const further = attributes === null ? '' : `,${attributes.slice(1, -1)}`;
  return `${JSON.stringify(own).slice(0, -1)}${further},"data":${text}}`;
}
