import type { History } from '../api/types';

// The histogram under the board: a stroke for each bucket, its height by how many checks were down,
// or degraded where none was.

export const spans = { '24h': 24, '7d': 168, '30d': 720 } as const;
export type Span = keyof typeof spans;

const hourMilliseconds = 3_600_000;
export const spanMilliseconds = (span: Span): number => spans[span] * hourMilliseconds;
export const steps: Record<Span, string> = { '24h': '10m', '7d': '1h', '30d': '4h' };

export const width = 864;
export const height = 30;

type Bucket = History['items'][number];

export interface Strokes {
  state: 'calm' | 'degraded' | 'down' | 'unknown';
  d: string;
}

const worstOf = (bucket: Bucket): Strokes['state'] =>
  bucket.down || bucket.worst === 'down' || bucket.incidents_opened ? 'down' : bucket.degraded || bucket.worst === 'degraded' ? 'degraded' : bucket.unknown ? 'unknown' : 'calm';

// strokes draws the buckets between two instants, one path a state.
export function strokes(history: History, from: number, to: number): Strokes[] {
  const most = Math.max(1, ...history.items.map((bucket) => bucket.down + bucket.incidents_opened));
  const paths = new Map<Strokes['state'], string>();
  for (const bucket of history.items) {
    const x = Math.round(((Date.parse(bucket.at) - from) / (to - from)) * width) - 3;
    if (x < 0 || x > width) continue;
    const state = worstOf(bucket);
    const tall = { down: 8 + 22 * Math.sqrt((bucket.down + bucket.incidents_opened) / most), degraded: 7, unknown: 5, calm: bucket.up + bucket.paused + bucket.maintenance ? 3 : 1 }[state];
    paths.set(state, `${paths.get(state) ?? ''}M${x} ${height}v${-Math.round(tall)}`);
  }
  return [...paths].map(([state, d]) => ({ state, d }));
}

// changes are the ends of the buckets in which something turned: where they differ from the one before.
export function changes(history: History): number[] {
  return history.items
    .filter((bucket, i) => {
      const before = history.items[i - 1];
      return before && (bucket.incidents_opened > 0 || bucket.down !== before.down || bucket.degraded !== before.degraded || bucket.unknown !== before.unknown);
    })
    .map((bucket) => Date.parse(bucket.at));
}
