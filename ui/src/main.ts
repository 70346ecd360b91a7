import './styles/tokens.css';
import './styles/components.css';
import './styles/fonts.css';
import './styles/app.css';
import { mount } from 'svelte';
import App from './App.svelte';
import { board } from './lib/board.svelte';

// It is asked for before anything is drawn: what draws it is made meanwhile.
board.start();
mount(App, { target: document.body });
