import { get, Problem, say, type Page } from '../api/client';
import type { Check, CloudEvent, Correction, Incident, Outcome, Result } from '../api/types';
import { stoodAt } from './corrections';
import { instant, past } from './past.svelte';
import { checkLink } from './router.svelte';

// Reading is all that the page of one check reads, of the present or of the instant that is looked at.
export class Reading {
  check = $state.raw<Check | undefined>();
  results = $state.raw<Result[]>([]);
  // The place from which older results go on; empty when there are none.
  older = $state('');
  outcome = $state<Outcome | ''>('');
  events = $state.raw<CloudEvent[]>([]);
  incidents = $state.raw<Incident[]>([]);
  // Of the present those withdrawn are among them.
  corrections = $state.raw<Correction[]>([]);
  trouble = $state('');
  missing = $state(false);
  // The instant that what is here was read of; undefined is the present.
  at = $state<number | undefined>();

  constructor(readonly id: string) {}

  async load(): Promise<void> {
    const at = past.at;
    try {
      const read = await (at === undefined ? this.#present() : this.#then(at));
      if (past.at !== at) return; // another instant is looked at by now
      this.check = read.check;
      this.#take(read.results, at);
      this.events = read.events;
      this.incidents = read.incidents;
      this.corrections = read.corrections;
      this.at = at;
      this.trouble = '';
      this.missing = false;
    } catch (error) {
      if (past.at !== at) return;
      this.missing = error instanceof Problem && error.status === 404;
      this.trouble = say(error);
    }
  }

  // Older pages that were asked for stay.
  #take(newest: Page<Result>, at: number | undefined): void {
    const before = this.at === at ? this.results : [];
    const kept = before.filter((result) => !newest.items.some((newer) => newer.id === result.id));
    if (kept.length === before.length) this.older = newest.next_cursor ?? '';
    this.results = kept.length < before.length ? [...newest.items, ...kept] : newest.items;
  }

  get #path(): string {
    return checkLink(this.id);
  }

  #query(at: number | undefined): string {
    return `${this.#path}/results?limit=60${this.outcome && `&outcome=${this.outcome}`}${at === undefined ? '' : `&to=${instant(at)}`}`;
  }

  async #present() {
    const id = encodeURIComponent(this.id);
    const [check, results, events, incidents, corrections] = await Promise.all([
      get<Check>(this.#path), get<Page<Result>>(this.#query(undefined)), get<Page<CloudEvent>>(`/events?check=${id}&limit=100`),
      get<Page<Incident>>(`/incidents?check=${id}&limit=100`), get<Page<Correction>>(`/corrections?check=${id}&limit=100`),
    ]);
    return { check, results, events: events.items, incidents: incidents.items, corrections: corrections.items };
  }

  async #then(at: number) {
    const id = encodeURIComponent(this.id);
    const then = `at=${encodeURIComponent(instant(at))}`;
    // Of what is deleted by now there are no results to read any more.
    const gone = (error: unknown): Page<Result> => {
      if (error instanceof Problem && error.status === 404) return { items: [], total: 0 };
      throw error;
    };
    const [check, results, events, incidents, corrections] = await Promise.all([
      get<Check>(`${this.#path}?${then}`), get<Page<Result>>(this.#query(at)).catch(gone), get<Page<CloudEvent>>(`/events?check=${id}&limit=500`),
      get<Page<Incident>>(`/incidents?check=${id}&limit=100&${then}`), get<Page<Correction>>(`/corrections?check=${id}&limit=1000`),
    ]);
    const last = check.last_result ?? results.items[0];
    return {
      check: { ...check, ...(last && { last_result: last }) }, results,
      events: events.items.filter((event) => Date.parse(event.time) <= at), incidents: incidents.items,
      corrections: corrections.items.filter((one) => stoodAt(one, at)),
    };
  }

  async more(): Promise<void> {
    const page = await get<Page<Result>>(`${this.#query(this.at)}&cursor=${encodeURIComponent(this.older)}`);
    this.results = [...this.results, ...page.items];
    this.older = page.next_cursor ?? '';
  }

  async choose(which: Outcome | ''): Promise<void> {
    this.outcome = which;
    this.results = [];
    await this.load();
  }
}
