/** The commands: what the palette, the menu and the sidebar's buttons do. */

import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, Notification, showDialog, type ICommandPalette } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import { refreshIcon } from '@jupyterlab/ui-components';

import { ApiError } from './api';
import { sessionIcon } from './icons';
import type { SessionModel } from './model';
import { CommandIDs, type ISession } from './tokens';
import { count, took } from './words';

export function addCommands(
  app: JupyterFrontEnd,
  model: SessionModel,
  show: () => void,
  trans: TranslationBundle,
  palette: ICommandPalette | null
): void {
  const { commands } = app;
  const hasSession = (): boolean => model.state.current !== null && model.state.busy === null;
  commands.addCommand(CommandIDs.show, {
    label: trans.__('Show Session Sidebar'),
    caption: trans.__('Show your session on production data'),
    icon: sessionIcon,
    execute: show
  });
  commands.addCommand(CommandIDs.refresh, {
    label: trans.__('Refresh Session'),
    caption: trans.__('Ask the proxy now'),
    icon: refreshIcon,
    execute: () => model.refresh()
  });
  commands.addCommand(CommandIDs.reset, {
    label: trans.__('Reset Session…'),
    caption: trans.__('Drop the changes and begin anew from the data as it is now'),
    isEnabled: hasSession,
    execute: () => reset(model, trans)
  });
  commands.addCommand(CommandIDs.end, {
    label: trans.__('End Session…'),
    caption: trans.__('Drop the changes and end the session'),
    isEnabled: hasSession,
    execute: () => end(model, trans)
  });
  model.stateChanged.connect(() => {
    commands.notifyCommandChanged(CommandIDs.reset);
    commands.notifyCommandChanged(CommandIDs.end);
  });
  for (const command of Object.values(CommandIDs)) {
    palette?.addItem({ command, category: 'devinprod' });
  }
}

async function reset(model: SessionModel, trans: TranslationBundle): Promise<void> {
  const session = model.state.current;
  if (session === null) {
    return;
  }
  const sure = await confirmed(
    trans.__('Reset %1?', session.name),
    `${changesGo(session, trans)} ${trans.__('It begins anew from the data as it is now.')}`,
    trans.__('Reset'),
    trans
  );
  if (sure) {
    await told(async () => {
      const done = await model.reset(session.name);
      return trans.__('%1 begins anew, after %2.', session.name, took(done.ms));
    });
  }
}

async function end(model: SessionModel, trans: TranslationBundle): Promise<void> {
  const session = model.state.current;
  if (session === null) {
    return;
  }
  const clients =
    session.clients > 0
      ? trans._n(
          '%2 client is disconnected.',
          '%2 clients are disconnected.',
          session.clients,
          count(session.clients)
        )
      : '';
  const sure = await confirmed(
    trans.__('End %1?', session.name),
    `${changesGo(session, trans)} ${clients}`,
    trans.__('End'),
    trans
  );
  if (sure) {
    await told(async () => {
      const done = await model.end(session.name);
      return trans.__(
        '%1 ended: %2 statements, %3 rows would have changed, nothing was committed.',
        session.name,
        count(done.statements),
        count(done.rows_changed)
      );
    });
  }
}

function changesGo(session: ISession, trans: TranslationBundle): string {
  return session.change_count === 0
    ? trans.__('It has no changes.')
    : trans._n(
        'Its %2 change is dropped.',
        'Its %2 changes are dropped.',
        session.change_count,
        count(session.change_count)
      );
}

async function confirmed(
  title: string,
  body: string,
  label: string,
  trans: TranslationBundle
): Promise<boolean> {
  const result = await showDialog({
    title,
    body,
    buttons: [Dialog.cancelButton({ label: trans.__('Cancel') }), Dialog.warnButton({ label })],
    defaultButton: 0
  });
  return result.button.accept;
}

/** Do it, and say what came of it. */
async function told(action: () => Promise<string>): Promise<void> {
  try {
    Notification.success(await action(), { autoClose: 5000 });
  } catch (fault) {
    if (!(fault instanceof ApiError)) {
      throw fault;
    }
    const { message, hint } = fault.problem;
    Notification.error(hint === null ? message : `${message} ${hint}`, { autoClose: false });
  }
}
