/** Numbers, times and states in words. Pure. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { ISession, IStatement, ITableChange } from './tokens';

/** `1,204`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `2 h 5 min`, `12 min`, `40 s`: the two largest units at most. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const minutes = Math.floor(whole / 60);
  const hours = Math.floor(minutes / 60);
  if (hours > 0) {
    return minutes % 60 > 0 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  }
  return minutes > 0 ? `${minutes} min` : `${whole} s`;
}

/** `0.8 ms`, `120 ms`, `3.1 s`. */
export function took(ms: number): string {
  if (ms >= 1000) {
    return `${(ms / 1000).toFixed(1)} s`;
  }
  return ms >= 10 ? `${Math.round(ms)} ms` : `${ms.toFixed(1)} ms`;
}

/** `12 kB`, `1.2 GB`. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  let shown = value;
  while (shown >= 1000 && unit < units.length - 1) {
    shown /= 1000;
    unit += 1;
  }
  const digits = unit > 0 && shown < 10 ? 1 : 0;
  return `${shown.toFixed(digits)} ${units[unit] ?? ''}`;
}

/** `14:03:22`, in the developer's own time. */
export function clock(iso: string | Date): string {
  return new Date(iso).toLocaleTimeString('en-GB');
}

/** `orders`, or `audit.entries` where it is not in schema public. */
export function tableName(change: Pick<ITableChange, 'schema' | 'table'>): string {
  return change.schema === 'public' ? change.table : `${change.schema}.${change.table}`;
}

/** What kind of database a session is on. */
export function kindOf(kind: string, trans: TranslationBundle): string {
  switch (kind) {
    case 'subscriber':
      return trans.__('subscriber copy');
    case 'clone':
      return trans.__('clone');
    case 'standby':
      return trans.__('standby, read only');
    case 'primary':
      return trans.__('primary');
    default:
      return kind;
  }
}

/** `clean`, `5 changes`, `lost`. */
export function stateOf(session: ISession, trans: TranslationBundle): string {
  switch (session.state) {
    case 'clean':
      return trans.__('clean');
    case 'dirty':
      return trans._n('%1 change', '%1 changes', session.change_count, count(session.change_count));
    case 'lost':
      return trans.__('lost');
  }
}

/** `SELECT customers`. */
export function titleOf(statement: IStatement): string {
  return statement.table === null ? statement.verb : `${statement.verb} ${statement.table}`;
}

/** `10 rows`, `running`, `refused`. */
export function outcomeOf(statement: IStatement, trans: TranslationBundle): string {
  if (statement.running) {
    return trans.__('running');
  }
  if (statement.refused) {
    return trans.__('refused');
  }
  if (statement.sqlstate !== null) {
    return trans.__('failed');
  }
  return statement.rows === null
    ? trans.__('done')
    : trans._n('%1 row', '%1 rows', statement.rows, count(statement.rows));
}
