import { request, say, write, type Answer } from '../api/client';
import type { Check, Result, Row } from '../api/types';
import { board } from './board.svelte';
import { milliseconds, plural } from './format';
import { notices } from './notices.svelte';

// Known is what of a check the actions need to know.
type Known = Pick<Row, 'id' | 'name' | 'paused' | 'labels' | 'revision'>;

const path = (id: string): string => `/checks/${encodeURIComponent(id)}`;

// The server answers a write with the check as it is now.
function shown(answer: Answer<Check>): Check {
  board.put(answer.data);
  return answer.data;
}

const pauseOne = async (check: Known): Promise<Check> => shown(await write<Check>('POST', `${path(check.id)}/pause`));
const resumeOne = async (check: Known): Promise<Check> => shown(await write<Check>('POST', `${path(check.id)}/resume`));

async function relabel(check: Known, labels: Record<string, string>): Promise<Check> {
  // A merge patch removes what it says is null.
  const patch: Record<string, string | null> = { ...labels };
  for (const key of Object.keys(check.labels ?? {})) if (!(key in labels)) patch[key] = null;
  return shown(await write<Check>('PATCH', path(check.id), {
    body: { labels: patch }, ifMatch: `"${check.revision}"`, contentType: 'application/merge-patch+json',
  }));
}

async function removeOne(check: Known): Promise<void> {
  await write('DELETE', path(check.id));
  board.drop(check.id);
}

interface Done<T> {
  done: T[];
  failed: { check: Known; why: string }[];
}

// each does something to many checks, a few at a time.
async function each<T>(checks: Known[], act: (check: Known) => Promise<T>): Promise<Done<T>> {
  const rest = [...checks];
  const result: Done<T> = { done: [], failed: [] };
  const worker = async (): Promise<void> => {
    for (let check = rest.shift(); check; check = rest.shift()) {
      try {
        result.done.push(await act(check));
      } catch (error) {
        result.failed.push({ check, why: say(error) });
      }
    }
  };
  await Promise.all(Array.from({ length: 4 }, worker));
  return result;
}

function tell<T>(verb: string, result: Done<T>, undo?: () => void): void {
  const first = result.failed[0];
  if (first) notices.warn(`${plural(result.failed.length, 'check')} not ${verb}. ${first.check.name}: ${first.why}`);
  if (result.done.length) {
    notices.say(`${plural(result.done.length, 'check')} ${verb}`, undo && { name: 'Undo', run: undo });
  }
}

export async function pause(checks: Known[]): Promise<void> {
  const result = await each(checks.filter((check) => !check.paused), pauseOne);
  tell('paused', result, () => void each(result.done, resumeOne).then((undone) => tell('resumed', undone)));
}

export async function resume(checks: Known[]): Promise<void> {
  const result = await each(checks.filter((check) => check.paused), resumeOne);
  tell('resumed', result, () => void each(result.done, pauseOne).then((undone) => tell('paused', undone)));
}

export const pauseOrResume = (check: Known): Promise<void> => (check.paused ? resume([check]) : pause([check]));

// label sets one label, or removes it when value is undefined. Undoing it does not overwrite what
// somebody else has changed since.
export async function label(checks: Known[], key: string, value: string | undefined): Promise<void> {
  const before = new Map(checks.map((check) => [check.id, check.labels ?? {}]));
  const result = await each(checks, (check) => {
    const labels = { ...check.labels };
    if (value === undefined) delete labels[key];
    else labels[key] = value;
    return relabel(check, labels);
  });
  const undo = (): void => void each(result.done, (check) => relabel(check, before.get(check.id) ?? {})).then((undone) => tell('labelled as before', undone));
  tell('labelled', result, undo);
}

export async function remove(checks: Known[]): Promise<void> {
  tell('deleted', await each(checks, removeOne));
}

// finding says in a line how an execution ended.
export function finding(result: Result): string {
  if (result.outcome === 'failure' || result.outcome === 'error') return result.error || 'failed';
  const seen = result.observed?.['status'] ?? result.observed?.['rcode'];
  return `${seen === undefined ? 'passed' : String(seen)} in ${milliseconds(result.duration_ms)}`;
}

// first executes a check that was just made: nobody should wait for its first due time to see whether
// it works. That it cannot be executed now is told by its status soon enough.
export async function first(check: Known): Promise<void> {
  if (!check.paused) await request<Result>('POST', `${path(check.id)}/run`).catch(() => undefined);
}

// run executes a check now and returns the result, or undefined when nobody could.
export async function run(check: Known): Promise<Result | undefined> {
  try {
    const { data } = await request<Result>('POST', `${path(check.id)}/run`);
    const text = `${check.name}: ${finding(data)}`;
    if (data.outcome === 'success') notices.say(text);
    else notices.warn(text);
    return data;
  } catch (error) {
    notices.warn(`${check.name} was not executed. ${say(error)}`);
    return undefined;
  }
}
