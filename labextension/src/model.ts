/**
 * What the sidebar knows, and how it stays current.
 *
 * One poll asks for the sessions and for the statements since the last ones; views redraw on
 * `stateChanged`. Polling stands by while the page is hidden and slows down while there is nothing
 * to talk to.
 */

import { Poll } from '@lumino/polling';
import { Signal, type ISignal } from '@lumino/signaling';

import { ApiError, type Api } from './api';
import type { IEndDone, IOverview, IProblem, IResetDone, ISession, IStatement } from './tokens';

/** As many statements as the sidebar shows. */
const STATEMENTS_KEPT = 50;

/** While there is no proxy to talk to, look only this often. */
const IDLE_INTERVAL = 5000;

/** A moment's knowledge; replaced, never changed. */
export interface IState {
  /** False until the first answer. */
  readonly loaded: boolean;
  readonly sessions: readonly ISession[];
  readonly current: ISession | null;
  /** Newest first. */
  readonly statements: readonly IStatement[];
  readonly problem: IProblem | null;
  /** When the sessions were last heard of. */
  readonly heardAt: Date | null;
  /** An action that is under way. */
  readonly busy: 'reset' | 'end' | null;
}

const NOTHING: IState = {
  loaded: false,
  sessions: [],
  current: null,
  statements: [],
  problem: null,
  heardAt: null,
  busy: null
};

export class SessionModel {
  constructor(private readonly api: Api) {
    this.poll = new Poll({
      name: 'devinprod:session',
      auto: false,
      factory: () => this.look(),
      frequency: { interval: this.interval, backoff: true, max: 15000 },
      standby: 'when-hidden'
    });
  }

  /** What is known now. */
  get state(): IState {
    return this._state;
  }

  /** Emitted after each change of `state`. */
  get stateChanged(): ISignal<this, void> {
    return this._stateChanged;
  }

  /** Milliseconds between two looks. */
  setInterval(milliseconds: number): void {
    this.interval = milliseconds;
    this.pace();
  }

  /** Begin to look. */
  start(): void {
    void this.poll.start();
  }

  dispose(): void {
    this.poll.dispose();
    Signal.clearData(this);
  }

  /** Look now. */
  async refresh(): Promise<void> {
    await this.poll.refresh();
    await this.poll.tick;
  }

  /** Show this session from now on. */
  async choose(name: string): Promise<void> {
    this.chosen = name;
    const current = this._state.sessions.find(session => session.name === name) ?? null;
    this.update({ current, statements: [] });
    await this.refresh();
  }

  /** Begin a session anew; rejects with ApiError. */
  reset(name: string): Promise<IResetDone> {
    return this.act('reset', () => this.api.reset(name));
  }

  /** End a session; rejects with ApiError. */
  end(name: string): Promise<IEndDone> {
    return this.act('end', () => this.api.end(name));
  }

  private async act<T>(busy: 'reset' | 'end', action: () => Promise<T>): Promise<T> {
    this.update({ busy });
    try {
      return await action();
    } finally {
      this.update({ busy: null });
      void this.refresh();
    }
  }

  private async look(): Promise<void> {
    const chosen = this.chosen;
    try {
      const news = await this.ask(chosen);
      if (chosen !== this.chosen) {
        return; // another session was chosen meanwhile: its own look follows
      }
      this.update({ loaded: true, ...news });
      this.pace();
    } catch (fault) {
      const problem =
        fault instanceof ApiError
          ? fault.problem
          : { code: 'offline', message: 'The answer could not be read.', hint: String(fault) };
      this.update({ loaded: true, problem });
      throw fault; // the poll backs off
    }
  }

  /** Ask once, or twice where another session came into view: its statements are all news. */
  private async ask(chosen: string | null): Promise<Partial<IState>> {
    const { current: shown, statements } = this._state;
    const after = lastFinished(statements);
    const asked = chosen === null ? {} : { chosen };
    let news = await this.api.overview(
      shown === null || after === null ? asked : { ...asked, shown: shown.name, after }
    );
    if (news.problem !== null) {
      return { problem: news.problem };
    }
    let current = currentOf(news);
    const same = isSame(shown, current);
    if (!same && current?.name === shown?.name && after !== null) {
      news = await this.api.overview(asked);
      current = currentOf(news);
    }
    return {
      sessions: news.sessions,
      current,
      statements: merged(same ? statements : [], news.statements),
      problem: news.problem,
      heardAt: new Date()
    };
  }

  private pace(): void {
    const waiting = this._state.problem !== null;
    const interval = waiting ? Math.max(this.interval, IDLE_INTERVAL) : this.interval;
    if (this.poll.frequency.interval !== interval) {
      this.poll.frequency = { interval, backoff: true, max: Math.max(interval, 15000) };
    }
  }

  private update(change: Partial<IState>): void {
    this._state = { ...this._state, ...change };
    this._stateChanged.emit();
  }

  private interval = 2000;
  private chosen: string | null = null;
  private _state: IState = NOTHING;
  private readonly _stateChanged = new Signal<this, void>(this);
  private readonly poll: Poll<void>;
}

function currentOf(news: IOverview): ISession | null {
  return news.sessions.find(session => session.name === news.current) ?? null;
}

/** Whether this is still the session that it was; one ended and opened anew is another. */
function isSame(before: ISession | null, now: ISession | null): boolean {
  return before?.name === now?.name && before?.opened_at === now?.opened_at;
}

/** The last statement after which alone there can be news: none before it is still running. */
function lastFinished(newestFirst: readonly IStatement[]): string | null {
  const firstRunning = newestFirst.map(statement => statement.running).lastIndexOf(true);
  return newestFirst[firstRunning + 1]?.id ?? null;
}

/** The statements known, with the news in place; newest first. */
function merged(known: readonly IStatement[], news: readonly IStatement[]): IStatement[] {
  const fresh = new Set(news.map(statement => statement.id));
  const kept = known.filter(statement => !fresh.has(statement.id));
  return [...[...news].reverse(), ...kept].slice(0, STATEMENTS_KEPT);
}
