/** Which session is this, on what, in what state, and what can be done with it as a whole? */

import type { TranslationBundle } from '@jupyterlab/translation';
import { HTMLSelect } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { IState } from '../model';
import type { ISession } from '../tokens';
import { count, duration, kindOf, stateOf } from '../words';
import { Block } from './block';

export function SessionBlock(props: {
  state: IState;
  session: ISession;
  trans: TranslationBundle;
  choose: (name: string) => void;
  reset: () => void;
  end: () => void;
}): React.JSX.Element {
  const { state, session, trans } = props;
  const busy = state.busy !== null;
  return (
    <Block title={trans.__('Session')}>
      <div className="dp-Session-name">
        {state.sessions.length > 1 ? (
          <HTMLSelect
            className="dp-Session-switch"
            value={session.name}
            aria-label={trans.__('Session shown')}
            onChange={event => {
              props.choose(event.target.value);
            }}
          >
            {state.sessions.map(one => (
              <option key={one.name} value={one.name}>
                {one.name}
              </option>
            ))}
          </HTMLSelect>
        ) : (
          <span className="dp-Session-only">{session.name}</span>
        )}
        <span className="dp-State" data-state={session.state} role="status">
          <span className="dp-Dot" data-state={session.state} aria-hidden="true" />
          {stateOf(session, trans)}
        </span>
      </div>
      {session.state === 'lost' && (
        <p className="dp-Problem">
          {session.lost_reason ?? trans.__('Its connection is gone.')}{' '}
          {trans.__('Its changes are gone too. Reset begins it anew.')}
        </p>
      )}
      <dl className="dp-Facts">
        {facts(session, trans).map(([label, value]) => (
          <React.Fragment key={label}>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </React.Fragment>
        ))}
      </dl>
      <div className="dp-Actions">
        <button
          type="button"
          className="jp-Button jp-mod-styled jp-mod-minimal dp-Action"
          disabled={busy}
          title={trans.__('Drop the changes and begin anew from the data as it is now')}
          onClick={props.reset}
        >
          {state.busy === 'reset' ? trans.__('Resetting') : trans.__('Reset')}
        </button>
        <button
          type="button"
          className="jp-Button jp-mod-styled jp-mod-minimal dp-Action"
          disabled={busy}
          title={trans.__('Drop the changes and end this session')}
          onClick={props.end}
        >
          {state.busy === 'end' ? trans.__('Ending') : trans.__('End')}
        </button>
      </div>
    </Block>
  );
}

function facts(session: ISession, trans: TranslationBundle): [string, string][] {
  const rows: [string, string][] = [
    [trans.__('On'), `${session.target}, ${kindOf(session.kind, trans)}`]
  ];
  if (session.lag_s !== null) {
    rows.push([trans.__('Behind'), `${session.lag_s.toFixed(1)} s`]);
  }
  rows.push([trans.__('As'), trans.__('%1, role %2', session.user, session.role)]);
  if (session.reason !== null) {
    rows.push([trans.__('For'), session.reason]);
  }
  rows.push([trans.__('Open'), open(session, trans)]);
  rows.push([
    trans.__('Masked'),
    trans.__('%1 of %2 columns', count(session.masked_columns), count(session.columns))
  ]);
  rows.push([
    trans.__('Clients'),
    session.read_only ? trans.__('%1, read only', count(session.clients)) : count(session.clients)
  ]);
  return rows;
}

function open(session: ISession, trans: TranslationBundle): string {
  const age = duration(session.age_s);
  const left = session.limits.age?.seconds_left;
  return left === undefined ? age : trans.__('%1, %2 left', age, duration(left));
}
