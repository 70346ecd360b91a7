// The heartbeat bar: one stroke per execution, its height and colour by outcome.

const states: Record<string, { state: string; height: number }> = {
  U: { state: 'up', height: 15.5 },
  G: { state: 'degraded', height: 21.5 },
  D: { state: 'down', height: 26 },
  E: { state: 'unknown', height: 6.5 },
  '-': { state: 'unknown', height: 6.5 },
  '?': { state: 'unknown', height: 6.5 },
  M: { state: 'maint', height: 11 },
  P: { state: 'paused', height: 3 },
};

export interface Bars {
  paths: { state: string; d: string }[];
  words: string;
}

export function bars(letters: string, slots: number): Bars {
  const shown = letters.slice(-slots);
  const first = slots - shown.length;
  const paths = new Map<string, string>();
  let failed = 0;
  for (let i = 0; i < shown.length; i++) {
    const letter = states[shown[i] ?? '?'] ?? { state: 'unknown', height: 6.5 };
    if (letter.state === 'down') failed++;
    paths.set(letter.state, `${paths.get(letter.state) ?? ''}M${(first + i) * 6 + 3} 26v-${letter.height}`);
  }
  return {
    paths: [...paths].map(([state, d]) => ({ state, d })),
    words: shown.length === 0 ? 'No results' : `Last ${shown.length} results, ${failed} failed,`,
  };
}
