// The shapes of the REST API, from the OpenAPI document.
import type { components } from './schema';

type Schemas = components['schemas'];

export type Check = Schemas['CheckView'];
// Definition is a check without what only reading adds.
export type Definition = Pick<Check, (typeof definitionFields)[number]>;
export type Row = Schemas['Row'];
export type Board = Schemas['Board'];
export type Service = Schemas['Service'];
export type Incident = Schemas['IncidentView'];
export type Runner = Schemas['RunnerView'];
export type Result = Schemas['Result'];
export type Timings = Schemas['Timings'];
export type Uptime = Schemas['Uptime'];
export type Correction = Schemas['CorrectionView'];
export type PastBeat = Schemas['PastBeat'];
export type Causes = Schemas['Causes'];
export type ServerInfo = Schemas['ServerInfo'];
// RegisteredCheck is a check as it is answered to who registered it.
export type RegisteredCheck = Schemas['RegisteredCheck'];
export type StatusPage = Schemas['StatusPageView'];
export type Announcement = Schemas['Announcement'];
export type Projection = Schemas['ProjectionView'];
export type History = Schemas['History'];
export type LatencyPoint = Schemas['LatencyPoint'];
// Beat is what results have changed of a row: id, letters to append, latency in ms, uptime and coverage of 24 h.
export type Beat = [id: string, letters: string, latency: number, uptime: number | null, coverage: number];

export interface BoardChange {
  at: string;
  checks?: Row[];
  beats?: Beat[];
  gone_checks?: string[];
  services?: Service[];
  gone_services?: string[];
  open_incidents: number;
  runners: number;
  sequence: number;
}

export const definitionFields = [
  'id', 'name', 'service', 'kind', 'target', 'options', 'assertions', 'interval', 'cron', 'time_zone', 'grace', 'stale_after', 'timeout', 'retries', 'retry_delay',
  'failure_threshold', 'success_threshold', 'degraded_after', 'invert', 'locations', 'quorum', 'labels', 'paused',
] as const satisfies readonly (keyof Check)[];

export type Status = Check['status'];
export type Outcome = Result['outcome'];

// Worst first: the order in which everything is listed.
export const statuses: readonly Status[] = ['down', 'degraded', 'up', 'unknown', 'maintenance', 'paused'];

// outcomeStatus is the status that a result speaks for.
export const outcomeStatus = (outcome: Outcome): Status =>
  ({ success: 'up', degraded: 'degraded', failure: 'down', error: 'unknown' } as const)[outcome];

export interface CloudEvent<Data = Record<string, unknown>> {
  id: string;
  type: string;
  source: string;
  subject: string;
  time: string;
  sequence?: string | number;
  commandid?: string;
  causationid?: string;
  correlationid?: string;
  actor?: string;
  revision?: string | number;
  data: Data;
}

export type Variable = Schemas['Variable'];

// Kind describes a kind of check; its options are a JSON Schema.
export type Kind = Omit<Schemas['Kind'], 'options'> & { options: OptionSchema };

export interface OptionSchema {
  type: string;
  title?: string;
  description?: string;
  default?: unknown;
  examples?: unknown[];
  enum?: string[];
  minimum?: number;
  maximum?: number;
  properties?: Record<string, OptionSchema>;
  'x-order'?: string[];
  // The heading under which people look for it.
  'x-group'?: string;
  // Whether it is a text of many lines.
  'x-lines'?: boolean;
}
