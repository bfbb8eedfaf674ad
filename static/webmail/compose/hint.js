/* Who writes of an attachment and has none is told while there is time. Looked for are the words of the
 * languages that the browser and the page speak, and English; what is quoted and signed does not count. */
import { $, icon, word } from '../page.js';

const PAUSE = 900; // milliseconds after the last key
const LONGEST = 20_000; // characters that are looked through
const WORDS = {
  en: 'attached|attaching|attachment|attachments|enclosed|enclosing|find (?:the )?file|files? below',
  de: 'angehängt\\p{L}*|anhang|anhänge|anhängen|anbei|beigefügt\\p{L}*|anlage|anlagen|hänge (?:ich|wir)|im anhang',
  fr: 'ci-joint\\p{L}*|pièces? jointes?|en annexe|(?:je|nous) (?:vous )?joins|fichiers? joints?',
  es: 'adjunt\\p{L}+|archivos? anexos?|en anexo',
  it: 'allegat\\p{L}+|allego|in allegato',
  nl: 'bijlagen?|bijgevoegd\\p{L}*|bijgaand\\p{L}*|als bijlage',
  pt: 'anex\\p{L}+|em anexo|segue o arquivo',
  pl: 'załącz\\p{L}+|w załączeniu',
  sv: 'bifog\\p{L}+|bilagor|bilaga',
  da: 'vedhæft\\p{L}+|vedlagt\\p{L}*|bilag',
  nb: 'vedlegg\\p{L}*|vedlagt\\p{L}*',
  fi: 'liitteenä|liitteet|liite|oheis\\p{L}+',
  cs: 'přílo\\p{L}+|přikládám',
  uk: 'вкладен\\p{L}*|додат\\p{L}{1,3}|прикріп\\p{L}+|долуч\\p{L}+',
  ru: 'вложен\\p{L}*|прикреп\\p{L}+|прилаг\\p{L}+|приложен\\p{L}*',
  tr: '(?:ekte|ekteki|ekli|ilişikte)',
};
WORDS.no = WORDS.nb;

/** What is looked for, in the languages given. */
export function pattern(languages) {
  const known = new Set(['en', ...languages.map(one => one.toLowerCase().split('-')[0])].filter(one => one in WORDS));
  return new RegExp(`(?<![\\p{L}\\p{N}])(?:${[...known].map(one => WORDS[one]).join('|')})(?![\\p{L}\\p{N}])`, 'iu');
}

/** What its writer has said, without quotes and signature. */
function own(composer) {
  const { editor } = composer, subject = composer.field('subject');
  // "Re: your attachment" is somebody else's word.
  const about = subject.value === subject.defaultValue ? '' : subject.value;
  if (editor.isPlain) {
    const lines = composer.field('text').value.slice(0, LONGEST).split(/^-- $/m)[0].split('\n');
    return `${about}\n${lines.filter(line => !line.startsWith('>')).join('\n')}`;
  }
  const copy = editor.root.cloneNode(true);
  copy.querySelectorAll('blockquote, .sig, [data-sig], [data-quote], .quote').forEach(one => one.remove());
  return `${about}\n${copy.textContent.slice(0, LONGEST)}`;
}

function notice(found, { attach, dismiss }) {
  const made = document.createElement('div'), said = document.createElement('span'), button = document.createElement('button'), away = document.createElement('button');
  made.className = 'callout callout--info tiny span-2 hint-files';
  made.setAttribute('role', 'status');
  said.className = 'grow';
  said.textContent = word('You write “%(word)s”, and no file is attached.', { word: found });
  Object.assign(button, { type: 'button', className: 'btn btn--sm', textContent: word('Attach files') });
  Object.assign(away, { type: 'button', className: 'btn btn--ghost btn--icon btn--sm' });
  away.setAttribute('aria-label', word('Dismiss'));
  away.append(icon('x'));
  button.addEventListener('click', attach);
  away.addEventListener('click', dismiss);
  made.append(icon('paperclip', 'i--sm'), said, button, away);
  return made;
}

/** Sets up the hint of `composer`. */
export function start(composer) {
  const wanted = pattern([...navigator.languages ?? [], document.documentElement.lang || 'en']);
  const box = $('[data-files]', composer.root);
  let timer = 0, shown = null, isOff = false;

  function put(found) {
    if (shown?.dataset.word === found) return;
    shown?.remove();
    shown = null;
    if (found) {
      shown = notice(found, { attach: () => composer.emit('attach'), dismiss: () => { isOff = true; put(''); composer.editor.reach(); } });
      shown.dataset.word = found;
      box.append(shown);
    }
    composer.files?.show();
  }

  function look() {
    if (isOff || !composer.editor || composer.files?.count()) return put('');
    put(wanted.exec(own(composer))?.[0] ?? '');
  }

  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(look, PAUSE);
  };
  composer.form.addEventListener('input', soon);
  composer.editor?.squire.addEventListener('input', soon);
  composer.on('attached', soon);
  composer.on('put', soon);
  composer.on('close', () => clearTimeout(timer));
}
