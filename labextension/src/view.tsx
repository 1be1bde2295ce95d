/** The sidebar's blocks, most important first. */

import type { ITranslator, TranslationBundle } from '@jupyterlab/translation';
import { UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import { BudgetBlock } from './blocks/budget';
import { ChangesBlock } from './blocks/changes';
import { NoSession, Problem } from './blocks/nothing';
import { SessionBlock } from './blocks/session';
import { StatementsBlock } from './blocks/statements';
import type { IState, SessionModel } from './model';
import { clock } from './words';

/** What the buttons do; the commands of the palette do the same. */
export interface IActions {
  reset: () => void;
  end: () => void;
}

export function Sidebar(props: {
  model: SessionModel;
  actions: IActions;
  translator: ITranslator;
}): React.JSX.Element {
  const trans = props.translator.load('devinprod');
  return (
    <UseSignal signal={props.model.stateChanged}>
      {() => <Blocks {...props} state={props.model.state} trans={trans} />}
    </UseSignal>
  );
}

function Blocks(props: {
  model: SessionModel;
  actions: IActions;
  state: IState;
  trans: TranslationBundle;
}): React.JSX.Element {
  const { model, actions, state, trans } = props;
  const session = state.current;
  return (
    <>
      {state.problem !== null && (
        <Problem
          problem={state.problem}
          stale={
            session !== null && state.heardAt !== null
              ? trans.__('What stands below is from %1.', clock(state.heardAt))
              : null
          }
        />
      )}
      {session === null && state.problem === null && state.loaded && <NoSession trans={trans} />}
      {session !== null && (
        <>
          <SessionBlock
            state={state}
            session={session}
            trans={trans}
            choose={name => void model.choose(name)}
            reset={actions.reset}
            end={actions.end}
          />
          <ChangesBlock session={session} trans={trans} />
          <BudgetBlock limits={session.limits} trans={trans} />
          <StatementsBlock
            key={`${session.name} ${session.opened_at}`}
            statements={state.statements}
            total={session.statements}
            trans={trans}
          />
          <footer className="dp-Footer">
            {trans.__('devinprod proxy %1', session.proxy_version)}
          </footer>
        </>
      )}
    </>
  );
}
