/** The status bar's item: `devinprod: checkout-bug ● 5 changes`. Clicking it shows the sidebar. */

import type { ITranslator } from '@jupyterlab/translation';
import { ReactWidget, UseSignal } from '@jupyterlab/ui-components';
import * as React from 'react';

import type { SessionModel } from './model';
import { changesOf, stateOf } from './words';

export class StatusItem extends ReactWidget {
  constructor(
    private readonly model: SessionModel,
    private readonly clicked: () => void,
    private readonly translator: ITranslator
  ) {
    super();
    this.addClass('dp-StatusItem');
  }

  /** Whether there is something to say. */
  isActive(): boolean {
    return this.model.state.current !== null;
  }

  protected render(): React.JSX.Element {
    const trans = this.translator.load('devinprod');
    return (
      <UseSignal signal={this.model.stateChanged}>
        {() => {
          const { current, problem } = this.model.state;
          if (current === null) {
            return null;
          }
          const state = problem === null ? current.state : 'lost';
          const word =
            problem !== null
              ? trans.__('no answer')
              : current.state === 'dirty'
                ? changesOf(current, trans)
                : stateOf(current, trans);
          return (
            <button
              type="button"
              className="dp-StatusItem-button"
              title={trans.__('Show the session in the sidebar')}
              onClick={this.clicked}
            >
              devinprod: {current.name}{' '}
              <span className="dp-Dot" data-state={state} aria-hidden="true" /> {word}
            </button>
          );
        }}
      </UseSignal>
    );
  }
}
