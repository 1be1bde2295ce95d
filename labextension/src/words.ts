/** Numbers, times and states in words. Pure. */

import type { TranslationBundle } from '@jupyterlab/translation';

import type { ISession, IStatement, ITableChange } from './tokens';

/** `1,204`. */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1,204`, and `1 M` for a round million: what a limit may be. */
export function limit(value: number): string {
  return value >= 1e6 && value % 1e5 === 0 ? `${value / 1e6} M` : count(value);
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

/** `12 KiB`, `1.2 GiB`. */
export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let shown = value;
  while (shown >= 1024 && unit < units.length - 1) {
    shown /= 1024;
    unit += 1;
  }
  const rounded = shown < 10 ? Math.round(shown * 10) / 10 : Math.round(shown);
  return `${rounded} ${units[unit] ?? ''}`;
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

/** `clean`, `dirty`, `lost`. */
export function stateOf(session: ISession, trans: TranslationBundle): string {
  switch (session.state) {
    case 'clean':
      return trans.__('clean');
    case 'dirty':
      return trans.__('dirty');
    case 'lost':
      return trans.__('lost');
  }
}

/** `5 changes`. */
export function changesOf(session: ISession, trans: TranslationBundle): string {
  return trans._n('%2 change', '%2 changes', session.change_count, count(session.change_count));
}

/** `customers`, or how the statement goes on after its verb where it is about no table. */
export function subjectOf(statement: IStatement): string {
  if (statement.table !== null) {
    return statement.table;
  }
  const words = statement.asked.trim().replace(/\s+/g, ' ').slice(0, 80);
  return words.toUpperCase().startsWith(statement.verb)
    ? words.slice(statement.verb.length).trim()
    : words;
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
    : trans._n('%2 row', '%2 rows', statement.rows, count(statement.rows));
}
