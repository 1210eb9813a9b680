/** Where in a stream a time is. */
import type { StreamInfo } from '../nats/client.ts';

/** When the stream took a message; undefined when it is gone. */
export type TimeOf = (seq: number) => Promise<number | undefined>;

/**
 * A sequence after which everything comes that the stream took at `since` or later, found by halving: some twenty questions in
 * a million messages. A message that is gone counts as late, so what follows may begin earlier, and never too late.
 */
export async function findPlace(
  { firstSeq, lastSeq }: Pick<StreamInfo, 'firstSeq' | 'lastSeq'>,
  since: number,
  timeOf: TimeOf,
): Promise<number> {
  let earlier = Math.max(0, firstSeq - 1);
  let late = lastSeq + 1;
  while (late - earlier > 1) {
    const middle = Math.floor((earlier + late) / 2);
    const time = await timeOf(middle);
    if (time !== undefined && time < since) earlier = middle;
    else late = middle;
  }
  return earlier;
}
