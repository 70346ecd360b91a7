// The shapes of the REST API, from the OpenAPI document.
import type { components } from './schema';

type Schemas = components['schemas'];

export type Check = Schemas['CheckView'];
export type Service = Schemas['ServiceView'];
export type Incident = Schemas['IncidentView'];
export type Runner = Schemas['RunnerView'];
export type Result = Schemas['Result'];
export type Overview = Schemas['Overview'];

export type Status = 'up' | 'degraded' | 'down' | 'unknown' | 'paused' | 'maintenance';

// Worst first: the order in which everything is listed.
export const statuses: readonly Status[] = ['down', 'degraded', 'up', 'unknown', 'maintenance', 'paused'];

export interface CloudEvent<Data = Record<string, unknown>> {
  id: string;
  type: string;
  source: string;
  subject: string;
  time: string;
  sequence?: string;
  commandid?: string;
  causationid?: string;
  correlationid?: string;
  actor?: string;
  data: Data;
}
