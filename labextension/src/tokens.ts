/** The words of this extension: ids, and what the proxy says in JSON. Importing it has no effect. */

/** The id of the plugin, of its settings and of what it remembers. */
export const PLUGIN_ID = '@devinprod/labextension:plugin';

/** The id of the sidebar in the shell. */
export const PANEL_ID = 'devinprod-session';

/** The commands, all in one category of the palette. */
export const CommandIDs = {
  show: 'devinprod:show',
  refresh: 'devinprod:refresh',
  reset: 'devinprod:reset',
  end: 'devinprod:end'
} as const;

/** What one may still use of something that is limited. */
export interface IMeter {
  used: number;
  limit: number;
  per: string;
}

/** How long a session may still idle or live. */
export interface ITimeLeft {
  seconds_left: number;
  limit: number;
}

/** The budget of a session; a proxy may leave out what it does not limit. */
export interface ILimits {
  people?: IMeter;
  lookups?: IMeter;
  rows?: IMeter;
  statements?: IMeter;
  bytes?: IMeter;
  idle?: ITimeLeft;
  age?: ITimeLeft;
}

/** What a session changed in one table. */
export interface ITableChange {
  schema: string;
  table: string;
  inserted: number;
  updated: number;
  deleted: number;
  truncated: boolean;
}

export type SessionState = 'clean' | 'dirty' | 'lost';

/** One of the developer's own sessions. */
export interface ISession {
  name: string;
  user: string;
  role: string;
  target: string;
  kind: string;
  reason: string | null;
  state: SessionState;
  lost_reason: string | null;
  opened_at: string;
  age_s: number;
  idle_s: number;
  lag_s: number | null;
  clients: number;
  statements: number;
  changes: ITableChange[];
  change_count: number;
  masked_columns: number;
  columns: number;
  limits: ILimits;
  read_only: boolean;
  proxy_version: string;
}

/** One statement, as it was asked and as it was run. */
export interface IStatement {
  id: string;
  at: string;
  client: string | null;
  application: string | null;
  verb: string;
  table: string | null;
  asked: string;
  run: string | null;
  masked: string[];
  rows: number | null;
  ms: number | null;
  sqlstate: string | null;
  refused: boolean;
  running: boolean;
}

/** A failure in words: what happened and what to do next. */
export interface IProblem {
  code: string;
  message: string;
  hint: string | null;
  sqlstate?: string | null;
}

/** One poll's worth of news. */
export interface IOverview {
  sessions: ISession[];
  current: string | null;
  statements: IStatement[];
  problem: IProblem | null;
}

/** What a reset did. */
export interface IResetDone {
  ms: number;
  lost: { statements: number; rows: number };
}

/** What the end of a session came to. */
export interface IEndDone {
  statements: number;
  rows_changed: number;
}
