import type { Row, Service, Status } from '../api/types';
import { board } from './board.svelte';
import { past } from './past.svelte';

// Shown is what the pages show: the board as it is, or as it was at the instant that is looked at.
class Shown {
  // Whether it is the past.
  get past(): boolean {
    return past.frame !== undefined;
  }
  get checks(): ReadonlyMap<string, Row> {
    return past.frame?.checks ?? board.checks;
  }
  get services(): ReadonlyMap<string, Service> {
    return past.frame?.services ?? board.services;
  }
  get counts(): Record<Status, number> {
    return past.frame ? past.counts : board.counts;
  }
  get openIncidents(): number {
    return past.frame?.openIncidents ?? board.openIncidents;
  }
  get loaded(): boolean {
    return past.frame !== undefined || board.loaded;
  }
  // The time that spans are counted to.
  get now(): number {
    return past.frame?.at ?? board.now;
  }
  // As board.shape and board.statuses: other numbers, other boards.
  get shape(): number {
    return past.frame ? -past.shape : board.shape;
  }
  get statuses(): number {
    return past.frame ? -past.version : board.statuses;
  }
}

export const shown = new Shown();
