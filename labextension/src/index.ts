/** The plugin: builds the model, the sidebar and the status item, and ties them to JupyterLab. */

import {
  ILabShell,
  ILayoutRestorer,
  type JupyterFrontEnd,
  type JupyterFrontEndPlugin
} from '@jupyterlab/application';
import { ICommandPalette } from '@jupyterlab/apputils';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { IStatusBar } from '@jupyterlab/statusbar';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';

import { Api } from './api';
import { addCommands } from './commands';
import { SessionModel } from './model';
import { SessionPanel } from './panel';
import { StatusItem } from './status';
import { CommandIDs, PANEL_ID, PLUGIN_ID } from './tokens';

/** Where in its side bar the sidebar stands. */
const RANK = 90;

const plugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'Shows your session on production data: its changes, budget and statements.',
  autoStart: true,
  optional: [
    ICommandPalette,
    IStatusBar,
    ITranslator,
    ILayoutRestorer,
    ISettingRegistry,
    ILabShell
  ],
  activate: async (
    app: JupyterFrontEnd,
    palette: ICommandPalette | null,
    statusBar: IStatusBar | null,
    translator: ITranslator | null,
    restorer: ILayoutRestorer | null,
    registry: ISettingRegistry | null,
    labShell: ILabShell | null
  ): Promise<void> => {
    const words = translator ?? nullTranslator;
    const trans = words.load('devinprod');
    const model = new SessionModel(new Api(app.serviceManager.serverSettings));
    const run = (command: string) => () => void app.commands.execute(command);
    const panel = new SessionPanel(
      model,
      { reset: run(CommandIDs.reset), end: run(CommandIDs.end) },
      words
    );

    const settings = await followSettings(app, model, panel, registry);
    restorer?.add(panel, PANEL_ID);
    const show = (): void => {
      app.shell.activateById(PANEL_ID);
      panel.node.focus();
    };
    addCommands(app, model, show, trans, palette);

    if (statusBar !== null) {
      const item = new StatusItem(model, show, words);
      statusBar.registerStatusItem(PLUGIN_ID, {
        item,
        align: 'left',
        rank: RANK,
        isActive: () => item.isActive(),
        activeStateChanged: model.stateChanged
      });
    }
    void app.restored.then(() => {
      showFirst(model, () => {
        if (labShell !== null && settings.showWhenSessionAppears) {
          labShell.activateById(PANEL_ID); // the keyboard stays where it is
        }
      });
      model.start();
    });
  }
};

interface ISettings {
  showWhenSessionAppears: boolean;
}

/** Put the panel where the settings say, and keep to them as they change. */
async function followSettings(
  app: JupyterFrontEnd,
  model: SessionModel,
  panel: SessionPanel,
  registry: ISettingRegistry | null
): Promise<ISettings> {
  const result: ISettings = { showWhenSessionAppears: true };
  let side = '';
  const follow = (settings: ISettingRegistry.ISettings | null): void => {
    const value = (key: string): unknown => settings?.get(key).composite;
    model.setInterval(Number(value('pollInterval') ?? 2) * 1000);
    result.showWhenSessionAppears = value('showWhenSessionAppears') !== false;
    const wanted = value('side') === 'left' ? 'left' : 'right';
    if (wanted !== side) {
      side = wanted;
      app.shell.add(panel, side, { rank: RANK, type: 'devinprod' });
    }
  };
  let settings: ISettingRegistry.ISettings | null = null;
  try {
    settings = registry === null ? null : await registry.load(PLUGIN_ID);
  } catch (fault) {
    console.warn('devinprod: its settings could not be read, the defaults hold.', fault);
  }
  follow(settings);
  settings?.changed.connect(follow);
  return result;
}

/** Call `show` once, when the first session appears after a look that found none. */
function showFirst(model: SessionModel, show: () => void): void {
  let seenNone = false;
  const look = (): void => {
    const { loaded, current } = model.state;
    if (loaded && current === null) {
      seenNone = true;
    } else if (current !== null) {
      model.stateChanged.disconnect(look);
      if (seenNone) {
        show();
      }
    }
  };
  model.stateChanged.connect(look);
}

export default plugin;
