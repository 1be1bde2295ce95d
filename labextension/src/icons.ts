/** The icon of the sidebar, in the theme's colours. */

import { LabIcon } from '@jupyterlab/ui-components';

import sessionSvg from '../style/icons/session.svg';

/** A database with an arrow that goes back. */
export const sessionIcon = new LabIcon({ name: 'devinprod:session', svgstr: sessionSvg });
