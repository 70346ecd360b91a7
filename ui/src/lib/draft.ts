import { definitionFields, type Check, type Definition } from '../api/types';

// Draft is a definition while it is being written: every field is there, and labels are pairs.
export interface Draft {
  id: string;
  name: string;
  service: string;
  kind: string;
  target: string;
  options: Record<string, unknown>;
  assertions: string[];
  byCron: boolean;
  interval: string;
  cron: string;
  time_zone: string;
  grace: string;
  stale_after: string;
  timeout: string;
  retries: number;
  retry_delay: string;
  failure_threshold: number;
  success_threshold: number;
  degraded_after: string;
  invert: boolean;
  locations: string[];
  quorum: number;
  labels: { key: string; value: string }[];
  paused: boolean;
}

export const newDraft = (service: string): Draft => ({
  id: '', name: '', service, kind: 'http', target: '', options: {}, assertions: [''], byCron: false, interval: '30s', cron: '', time_zone: '', grace: '', stale_after: '',
  timeout: '10s', retries: 0, retry_delay: '', failure_threshold: 2, success_threshold: 1, degraded_after: '', invert: false,
  locations: ['default'], quorum: 1, labels: [], paused: false,
});

export function draftOf(check: Definition): Draft {
  return {
    ...newDraft(check.service), id: check.id, name: check.name, kind: check.kind, target: check.target,
    options: structuredClone((check.options ?? {}) as Record<string, unknown>), assertions: check.assertions?.length ? [...check.assertions] : [''],
    byCron: Boolean(check.cron), interval: check.interval ?? '', cron: check.cron ?? '', time_zone: check.time_zone ?? '', grace: check.grace ?? '', stale_after: check.stale_after ?? '',
    timeout: check.timeout, retries: check.retries, retry_delay: check.retry_delay ?? '', failure_threshold: check.failure_threshold,
    success_threshold: check.success_threshold, degraded_after: check.degraded_after ?? '', invert: check.invert ?? false,
    locations: [...check.locations], quorum: check.quorum, paused: check.paused,
    labels: Object.entries(check.labels ?? {}).map(([key, value]) => ({ key, value })),
  };
}

// duration makes what people write into what the API reads: "30" and "30 s" are "30s", "2 min" is "2m".
export function duration(text: string, unit = 's'): string {
  const plain = text.trim().replace(/\s+/g, '').replace(/mins?(?![a-z])/g, 'm').replace(/hours?/g, 'h').replace(/secs?/g, 's');
  return /^\d+(\.\d+)?$/.test(plain) ? `${plain}${unit}` : plain;
}

export function definitionOf(draft: Draft): Definition {
  const definition: Record<string, unknown> = {
    id: draft.id, name: draft.name.trim(), service: draft.service, kind: draft.kind, target: draft.target.trim(),
    options: tidy(draft.options), assertions: draft.assertions.map((one) => one.trim()).filter(Boolean),
    interval: draft.byCron ? '' : duration(draft.interval), cron: draft.byCron ? draft.cron.trim() : '', time_zone: draft.byCron ? draft.time_zone.trim() : '',
    grace: duration(draft.grace), stale_after: duration(draft.stale_after),
    timeout: duration(draft.timeout), retries: draft.retries, retry_delay: duration(draft.retry_delay), failure_threshold: draft.failure_threshold,
    success_threshold: draft.success_threshold, degraded_after: duration(draft.degraded_after, 'ms'), invert: draft.invert, locations: [...draft.locations],
    quorum: draft.quorum, paused: draft.paused, labels: Object.fromEntries(draft.labels.filter(({ key }) => key.trim()).map(({ key, value }) => [key.trim(), value.trim()])),
  };
  for (const [name, value] of Object.entries(definition)) {
    if (value === '' || value === undefined || value === null || Number.isNaN(value)) delete definition[name];
  }
  return definition as unknown as Definition;
}

// tidy leaves out what was emptied: then the kind's default holds.
function tidy(options: Record<string, unknown>): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(options)) {
    if (value === '' || value === null || value === undefined) continue;
    if (typeof value !== 'object' || Array.isArray(value)) kept[name] = value;
    else if (Object.keys(tidy(value as Record<string, unknown>)).length) kept[name] = tidy(value as Record<string, unknown>);
  }
  return kept;
}

// bare is a check without what only reading adds.
export const bare = (check: Check): Definition =>
  Object.fromEntries(definitionFields.filter((name) => check[name] !== undefined).map((name) => [name, check[name]])) as unknown as Definition;
