// By hand until `npm run types` makes it from docs/openapi.json.
type Status = 'up' | 'degraded' | 'down' | 'unknown' | 'paused' | 'maintenance';

interface Definition {
  id: string;
  name: string;
  service: string;
  kind: string;
  target: string;
  options?: Record<string, unknown>;
  assertions?: string[];
  interval?: string;
  cron?: string;
  time_zone?: string;
  timeout: string;
  retries: number;
  retry_delay?: string;
  failure_threshold: number;
  success_threshold: number;
  degraded_after?: string;
  invert?: boolean;
  locations: string[];
  quorum: number;
  labels?: Record<string, string>;
  paused: boolean;
}

interface Uptime {
  ratio: number | null;
  coverage: number;
  expected: number;
  up: number;
  degraded: number;
  down: number;
  errors: number;
  late: number;
}

interface AssertionResult {
  expression: string;
  passed: boolean;
  actual?: string;
  error?: string;
}

interface Timings {
  dns_ms?: number;
  connect_ms?: number;
  tls_ms?: number;
  first_byte_ms?: number;
  transfer_ms?: number;
}

interface Result {
  id: string;
  check_id: string;
  service: string;
  revision: number;
  location: string;
  runner: string;
  due_at: string;
  started_at: string;
  next_due_at?: string;
  duration_ms: number;
  outcome: 'success' | 'degraded' | 'failure' | 'error';
  attempts: number;
  observed?: Record<string, unknown>;
  timings?: Timings;
  assertions?: AssertionResult[];
  error: string;
  trigger: 'schedule' | 'manual' | 'test';
}

interface CheckView extends Definition {
  revision: number;
  status: Status;
  status_since: string;
  created_at: string;
  updated_at: string;
  incident?: string;
  reason?: string;
  pending?: boolean;
  sequence: number;
  last_result?: Result;
  uptime?: Record<string, Uptime>;
  recent: string;
  latency_ms?: number;
}

interface ServiceView {
  id: string;
  name: string;
  description?: string;
  rollup: 'worst' | 'best' | 'majority';
  labels?: Record<string, string>;
  revision: number;
  status: Status;
  status_since: string;
  created_at: string;
  updated_at: string;
  sequence: number;
  checks: string[];
}

interface IncidentView {
  id: string;
  check_id: string;
  service: string;
  opened_at: string;
  resolved_at?: string;
  cause: string;
  resolution?: string;
  duration_ms?: number;
  sequence: number;
}

interface RunnerView {
  id: string;
  location: string;
  host?: string;
  version?: string;
  concurrency: number;
  joined_at?: string;
  left_at?: string;
  reason?: string;
  sequence: number;
}

interface Overview {
  checks: Record<string, number>;
  services: Record<string, number>;
  open_incidents: number;
  runners: number;
  sequence: number;
}

export interface components {
  schemas: {
    CheckView: CheckView;
    Definition: Definition;
    ServiceView: ServiceView;
    IncidentView: IncidentView;
    RunnerView: RunnerView;
    Result: Result;
    Timings: Timings;
    Uptime: Uptime;
    LatencyPoint: { at: string; count: number; p50_ms: number; p95_ms: number; p99_ms: number };
    Overview: Overview;
  };
}
