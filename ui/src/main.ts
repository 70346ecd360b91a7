import './styles/tokens.css';
import './styles/components.css';
import './styles/fonts.css';
import './styles/app.css';
import { mount } from 'svelte';
import App from './App.svelte';

mount(App, { target: document.body });
