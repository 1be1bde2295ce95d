/** The sidebar as a widget of JupyterLab's shell. */

import { ReactWidget } from '@jupyterlab/ui-components';
import type { ITranslator } from '@jupyterlab/translation';
import * as React from 'react';

import { sessionIcon } from './icons';
import type { SessionModel } from './model';
import { PANEL_ID } from './tokens';
import { Sidebar, type IActions } from './view';

export class SessionPanel extends ReactWidget {
  constructor(
    private readonly model: SessionModel,
    private readonly actions: IActions,
    private readonly translator: ITranslator
  ) {
    super();
    const trans = translator.load('devinprod');
    this.id = PANEL_ID;
    this.addClass('dp-Panel');
    this.title.icon = sessionIcon;
    this.title.caption = trans.__('Session on production data (devinprod)');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', this.title.caption);
    // So that the keyboard can be brought here before there is a button.
    this.node.tabIndex = -1;
  }

  protected render(): React.JSX.Element {
    return React.createElement(Sidebar, {
      model: this.model,
      actions: this.actions,
      translator: this.translator
    });
  }
}
