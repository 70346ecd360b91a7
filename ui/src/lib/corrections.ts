import type { Correction } from '../api/types';

export const kinds: Record<Correction['kind'], string> = { false_positive: 'False positive', maintenance: 'Maintenance' };

export const stands = (correction: Correction): boolean => !correction.withdrawn_at;

// stoodAt is about a moment of the past, by what was known then.
export const stoodAt = (correction: Correction, at: number): boolean =>
  Date.parse(correction.added_at) <= at && !(correction.withdrawn_at && Date.parse(correction.withdrawn_at) <= at);

// ruling is the correction by which counts what was due at a time: of several the one added last.
export function ruling(corrections: Correction[], due: string): Correction | undefined {
  const at = Date.parse(due);
  let last: Correction | undefined;
  for (const one of corrections) {
    if (!stands(one) || at < Date.parse(one.from) || at >= Date.parse(one.to)) continue;
    if (!last || one.added_sequence > last.added_sequence) last = one;
  }
  return last;
}
