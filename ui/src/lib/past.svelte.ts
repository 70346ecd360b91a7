import { get, say, type Page } from '../api/client';
import type { Board as Whole, PastBeat, Row, Service } from '../api/types';
import { route, setQuery } from './router.svelte';
import { counts } from './view';

// Scrubbing asks for many instants; so long a pause is taken for the one that is meant.
const settles = 40;
// How long a reader looks at one place before its bars are read, and of how many checks at once.
const rest = 200;
const mostBars = 60;

export const minute = 60_000;

// Frame is the board as it was.
export interface Frame {
  at: number;
  checks: ReadonlyMap<string, Row>;
  services: ReadonlyMap<string, Service>;
  openIncidents: number;
  sequence: number;
}

// Past is the instant that is looked at, if it is not the present: it stands in the address.
class Past {
  // The last frame that was read; it stays until the next is there.
  frame = $state.raw<Frame | undefined>();
  trouble = $state('');
  reading = $state(false);
  version = $state(0);
  // Moves when checks are others or defined otherwise than in the frame before.
  shape = $state(0);

  // In milliseconds since the epoch; undefined is live.
  readonly at = $derived.by((): number | undefined => {
    const at = Date.parse(route.query.get('at') ?? '');
    return Number.isNaN(at) || at >= Date.now() ? undefined : at;
  });
  readonly counts = $derived(counts(this.frame?.checks.values() ?? []));

  goTo(at: number | undefined): void {
    setQuery({ at: at === undefined || at >= Date.now() ? '' : instant(at) });
  }

  // follow reads the board of an instant and returns how to stop. Undefined goes back to the present.
  follow(at: number | undefined): () => void {
    if (at === undefined) {
      this.frame = undefined;
      this.trouble = '';
      this.reading = false;
      return () => undefined;
    }
    const stop = new AbortController();
    this.reading = true;
    const timer = setTimeout(() => void this.#read(at, stop.signal), this.frame ? settles : 0);
    return () => {
      clearTimeout(timer);
      stop.abort();
    };
  }

  #alike(rows: Row[]): boolean {
    const before = this.frame?.checks;
    return before?.size === rows.length && rows.every((row) => before.get(row.id)?.revision === row.revision);
  }

  #looking: ReturnType<typeof setTimeout> | undefined;
  #seen = new Set<string>();
  #seenAt = 0;

  // see reads what results told of the checks in sight, once the reader has come to rest there: it is
  // too much to read of all.
  see(ids: string[]): void {
    const frame = this.frame;
    clearTimeout(this.#looking);
    if (!frame) return;
    if (this.#seenAt !== frame.at) this.#seen.clear();
    this.#seenAt = frame.at;
    const fresh = ids.filter((id) => !this.#seen.has(id)).slice(0, mostBars);
    if (fresh.length) this.#looking = setTimeout(() => void this.#readBars(frame, fresh), rest);
  }

  async #readBars(frame: Frame, ids: string[]): Promise<void> {
    for (const id of ids) this.#seen.add(id);
    const page = await get<Page<PastBeat>>(`/board/beats?at=${encodeURIComponent(instant(frame.at))}&check=${ids.join(',')}`).catch(() => undefined);
    if (!page || this.frame?.at !== frame.at) return;
    const checks = new Map(this.frame.checks);
    for (const beat of page.items) {
      const row = checks.get(beat.id);
      if (row) checks.set(beat.id, { ...row, recent: beat.recent, finding: beat.finding ?? '', uptime_24h: beat.uptime_24h, coverage_24h: beat.coverage_24h, ...(beat.latency_ms && { latency_ms: beat.latency_ms }) });
    }
    this.frame = { ...this.frame, checks };
  }

  async #read(at: number, signal: AbortSignal): Promise<void> {
    try {
      const whole = await get<Whole>(`/board?at=${encodeURIComponent(instant(at))}`, signal);
      // What reading takes and what showing takes are two tasks, so that neither is long.
      await new Promise((resolve) => setTimeout(resolve));
      if (signal.aborted) return;
      if (!this.#alike(whole.checks)) this.shape++;
      this.frame = {
        at, checks: new Map(whole.checks.map((row) => [row.id, row])), services: new Map(whole.services.map((service) => [service.id, service])),
        openIncidents: whole.open_incidents, sequence: whole.sequence,
      };
      this.version++;
      this.trouble = '';
    } catch (error) {
      if (signal.aborted) return;
      this.trouble = say(error);
    } finally {
      if (!signal.aborted) this.reading = false;
    }
  }
}

// instant writes a time as the API reads it, to the second where that is whole.
export const instant = (at: number): string => new Date(at).toISOString().replace(/\.000Z$/, 'Z');

export const past = new Past();
