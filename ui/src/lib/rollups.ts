import type { Service } from '../api/types';

export type Rollup = Service['rollup'];

// How the statuses of a service's checks become its own.
export const rollups: Record<Rollup, string> = { worst: 'Worst check wins', best: 'Best check wins', majority: 'Majority of the checks' };
