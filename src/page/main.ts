import { h, render } from 'preact';
import { App } from './app.ts';
import { start } from './live.ts';

const root = document.querySelector('#page');
if (root !== null) render(h(App, {}), root);
void start();
