/** How the sidebar asks: the server extension of its own Jupyter server, never a kernel. */

import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';

import type { IEndDone, IOverview, IProblem, IResetDone } from './tokens';

/** The server extension said no, or did not answer. */
export class ApiError extends Error {
  constructor(readonly problem: IProblem) {
    super(problem.message);
  }
}

/** The routes of the server extension. */
export class Api {
  constructor(private readonly settings: ServerConnection.ISettings) {}

  /** What a poll needs; `after` is the last statement known of the session `shown`. */
  overview(asked: { chosen?: string; shown?: string; after?: string }): Promise<IOverview> {
    return this.ask<IOverview>('GET', `overview?${new URLSearchParams(asked).toString()}`);
  }

  /** Begin a session anew. */
  reset(name: string): Promise<IResetDone> {
    return this.ask<IResetDone>('POST', `sessions/${encodeURIComponent(name)}/reset`);
  }

  /** End a session. */
  end(name: string): Promise<IEndDone> {
    return this.ask<IEndDone>('POST', `sessions/${encodeURIComponent(name)}/end`);
  }

  private async ask<T>(method: string, path: string): Promise<T> {
    const url = URLExt.join(this.settings.baseUrl, 'devinprod', 'api') + `/${path}`;
    let response: Response;
    try {
      response = await ServerConnection.makeRequest(url, { method }, this.settings);
    } catch {
      throw new ApiError({
        code: 'offline',
        message: 'JupyterLab’s server does not answer.',
        hint: null
      });
    }
    const text = await response.text();
    let body: unknown;
    try {
      body = JSON.parse(text);
    } catch {
      body = null;
    }
    if (response.ok && body !== null) {
      return body as T;
    }
    throw new ApiError(problemOf(response.status, body));
  }
}

function problemOf(status: number, body: unknown): IProblem {
  const error = (body as { error?: IProblem } | null)?.error;
  if (error?.message) {
    return error;
  }
  if (status === 404) {
    return {
      code: 'no_extension',
      message: 'This Jupyter server runs without devinprod’s server extension.',
      hint: 'jupyter server extension enable devinprod_jupyter'
    };
  }
  return { code: 'offline', message: `JupyterLab’s server answered ${status}.`, hint: null };
}
