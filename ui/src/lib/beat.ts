// The heartbeat bar: one stroke per execution, its height and colour by outcome.

interface Stroke {
  state: string;
  height: number;
}

const missing: Stroke = { state: 'unknown', height: 6.5 };
const strokes: Record<string, Stroke> = {
  U: { state: 'up', height: 15.5 },
  G: { state: 'degraded', height: 21.5 },
  D: { state: 'down', height: 26 },
  M: { state: 'maint', height: 11 },
  P: { state: 'paused', height: 3 },
};

export interface Bars {
  paths: { state: string; d: string }[];
  words: string;
}

// bars draws the last letters, as many as there are slots, the newest at the right end.
export function bars(letters: string, slots: number): Bars {
  const shown = letters.slice(-slots);
  const first = slots - shown.length;
  const paths = new Map<string, string>();
  let failed = 0;
  for (let i = 0; i < shown.length; i++) {
    const stroke = strokes[shown[i] ?? ''] ?? missing;
    if (stroke.state === 'down') failed++;
    paths.set(stroke.state, `${paths.get(stroke.state) ?? ''}M${(first + i) * 6 + 3} 26v-${stroke.height}`);
  }
  return {
    paths: [...paths].map(([state, d]) => ({ state, d })),
    words: shown.length === 0 ? 'No results yet' : `Last ${shown.length} results, ${failed} failed,`,
  };
}
