import { signsOf, wordsOf } from './language-words.ts';
import { readTitle } from './titles.ts';
import { words } from './values.ts';

/** What the words of a heading say about the text below it. The lists hold rows for several languages. */

/** Names problems in general: a heading with such a word and problems below it is a group. */
const problemNouns = words(
  String.raw`issues|known issue|problems|bugs|limitations|blockers|errors|failures|defects|gotchas|caveats|pitfalls|challenges|concerns|violations|vulnerabilities|bottlenecks|restrictions|quirks|regressions|troubleshooting|warnings|incompatibilities|gaps|technical debt|tech debt|(?:residual|remaining|known|open) risks?|probleme|fehler|einschränkungen|mängel|проблемы|ошибки|ограничения|неисправности|problemas|errores|limitaciones|fallos${wordsOf('problems')}`,
  `问题|缺陷|错误|限制|故障|問題${signsOf('problems')}`,
);

/** A heading of nothing but such words is a group too: "Resolved", "Critical (P0)", "Recently fixed". */
const stateNouns = words(
  String.raw`open|active|current|known|resolved|fixed|solved|closed|remaining|outstanding|unresolved|in progress|critical|high|medium|low|major|minor|severe|priority|severity|p[0-4]|addressed|already|recently|recent|previously|previous|new|and|or|the|level|blocking|non-blocking|done|completed|historical|pending|accepted|by design|won'?t fix|offen|offene|behoben|behobene|gelöst|gelöste|bekannte?|открытые|решённые|решенные|исправленные|закрытые|abiertos?|resueltos?|cerrados?|conocidos?|deferred|workarounds?|skipped${wordsOf('open')}${wordsOf('resolved')}`,
  `已解决|未解决|已知|待解决|已修复|当前${signsOf('open')}${signsOf('resolved')}`,
);

const allStateNouns = new RegExp(stateNouns.source, 'giu');

/** Headings with exactly these words are notes, whatever is below them. */
const noteNames = words(
  String.raw`^(?:notes?|rules|process|procedures?|workflow|labels|definitions?|general notes|technical notes|implementation notes|overview|summary|introduction|about|status|current status|current state|state|project status|integration status|improvements?|enhancements?|features?|ideas|recommendations?|next steps|roadmap|todos?|backlog|performance|performance considerations|benchmarks?|metrics|figures|security|security considerations|security audit|audit|testing|tests|test results|test coverage|coverage|validation|verification|lessons|lessons learned|key learnings|learnings|commands|useful commands|diagnostics?|debugging|dependencies|requirements|prerequisites|setup|installation|install|usage|configuration|environment|architecture|design|design decisions|decisions?|decision log|adrs?|risks?|risk register|assumptions|history|change ?log|changes|release notes|updates?|log|session log|progress|progress log|accomplishments?|achievements?|what works|working features|what'?s working|references?|resources|links|further reading|see also|related|related documents?|related documentation|documentation|table of contents|contents?|header|toc|contributing|contribution|reporting|support|contact|help|getting help|faq|logs|not (?:yet )?tested|untested|template|issue template|format|legend|glossary|conventions|conclusions?|closing remarks|examples?|monitoring|maintenance|prevention|best practices|tips|success metrics|completed features|completed|deployment|migration|appendix|acknowledgements?|license|credits|scope|goals?|non-goals|purpose|background|context|timeline|milestones?|priorities|action items|follow[- ]?ups?|open questions|questions|workarounds?|hinweise|notizen|verbesserungen|ausblick|nächste schritte|заметки|улучшения|план|планы|рекомендации|notas|mejoras|próximos pasos|recomendaciones|fazit|zusammenfassung|заключение|итоги?|резюме|conclusión|resumen${wordsOf('notes')})$`,
  `^(?:当前|后续|其他|下一步)?(?:备注|说明|改进|建议|计划|参考|参考资源|参考资料|目录|获取帮助|(?:调试|使用)技巧|更新日志|总结|汇总|结论|未测试项?|待测试${signsOf('notes')})$`,
);

const noteBeginnings = words(
  String.raw`^(?:future|planned|potential improvements?|possible improvements?|suggested improvements?|recommended|proposed|next|upcoming|deferred|optional|nice[- ]to[- ]have|how to|how do|when to|where to|what to|whom? to|what (?:was|is|works|changed|we)|(?:still|need|more) (?:stuck|help|having)|still having|why (?:this|we)|about|reporting|report(?: an?)?|recommendations?|suggestions?|enhancements?|submitting|contributing|getting|quick|useful|recent (?:improvements?|changes?|updates?|work|progress|enhancements?|additions)|latest (?:improvements?|changes?|updates?)|improvements?|progress|validation|verification|summary|lessons|ideas|features?|künftige|zukünftige|будущие|futuras?|last updated|updates?|test(?:ing)? (?:results?|status|coverage|strategy|notes?|evidence|commands?|infrastructure status)|best practices|verified (?:good|working|ok)|что (?:не )?(?:делать|указать)|definition of|acceptance|success|template|example|security (?:audit|scan|notes?|considerations?|improvements?|posture|status|measures)|performance (?:notes?|metrics|considerations?|characteristics|benchmarks?|figures|targets?|results?|improvements?|optimi[sz]ations?|tips|baselines?))`,
);

const noteEndings = words(
  String.raw`(?:notes?|results?|summary|considerations?|improvements?|enhancements?|recommendations?|metrics|coverage|commands|checklists?|log|history|next steps|opportunities|tips|guidelines|references|practices|status|statistics|benchmarks?|achievements?|accomplishments|roadmap|validation|verification|strategy|updates?|completed|template|audit|learned|evolution|characteristics|capabilities|targets?|additions|highlights|assessment|overview|preferences|requirements|specifications|ideas|requests|(?:deferral|entry|naming|logging) rules|polic(?:y|ies)|guide|classification|terminology|(?:health|sanity|status|quick) checks|(?:technical|implementation|model|system|hardware|build|version|contact) details|(?:priority|fix|work|suggested|recommended) order|fix direction|(?:action|fix|test|remediation|migration|resolution|release|rollout|work|improvement|mitigation) plan)$`,
);

/** Such words make a heading a note wherever they stand, unless it names problems. */
const noteWords = words(
  String.raw`features|improvements|enhancements|recommendations|achievements|accomplishments|capabilities|roadmap|wish ?list|befehle|commandes|comandos|comandi|команды|verbesserungen|улучшения|mejoras|améliorations|melhorias|miglioramenti|iyileştirmeler|cải tiến`,
  '改进|新功能',
);

const templateForm =
  /\{\{.*\}\}|^\s*[[<](?:title|name|issue|problem|bug|description|short|brief|your|insert|datum|titel)\b[^\]>]*[\]>]|\bYYYY-MM-DD\b|^\[[^\]]*(?:title|name|here|description)\]$|\b(?:issue|problem|bug) title\b|[:：]\s*(?:\[[a-z][a-z ]+\]|<[a-z][a-z /]+>)\s*$|\b(?:example|template|sample|placeholder)(?: \w+)? (?:issue|problem|bug|entry|error|title)s?$/i;

/** Such words say that something goes wrong, so the heading does not name notes: "Wrong total in the summary". */
const failureWords = words(
  String.raw`no|not|cannot|can'?t|doesn'?t|don'?t|isn'?t|won'?t|never|fails?|failed|failing|failure|missing|wrong|broken|slow|freez(?:es?|ing)|lost|errors?|without|ignores?|ignored|hangs?|crash(?:es|ed)?|leaks?|stuck|incorrect|invalid|unable|too|stale|corrupt(?:ed)?|duplicated?|empty`,
);

/** Whether the words of a title say that something goes wrong. */
export function saysFailure(text: string): boolean {
  return failureWords.test(plainName(text));
}

/** Help begins so in guides: "Checking the log", "Collecting diagnostics". */
const helpBeginnings = words(
  String.raw`^(?:viewing|verifying|checking|collecting|gathering|inspecting|understanding|getting|finding|asking|editing|configuring|enabling|contacting)`,
);

/** The words of a heading without number, state, date, brackets and decoration, in lower case. */
export function plainName(text: string): string {
  const { title } = readTitle(text);
  return title
    .replaceAll(/\([^()]*\)|\[[^[\]]*\]|（[^（）]*）/g, ' ')
    .replaceAll(/[*_`~:：&/,]|\p{Extended_Pictographic}|\uFE0F/gu, ' ')
    .replaceAll(/\b\d{4}-\d{2}-\d{2}\b|#?\b\d{1,3}\b/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
    .toLowerCase();
}

/** Whether a heading has a word for problems in it: "Known issues", not "Critical" alone. */
export function hasProblemNoun(text: string): boolean {
  return problemNouns.test(plainName(text));
}

/** A state, and when or where: "Fixed in this release", "Open as of May", "Deliberately not fixed". */
const statePhrase =
  /^(?:(?:deliberately |intentionally |known but )?(?:not|un)[ -]?(?:yet )?fixed|(?:fixed|resolved|solved|closed|open|remaining|outstanding|unresolved) (?:in|since|by|across|during|on|as of|for|this|before|after)(?: .{1,30})?)$/;

/** Whether a heading names problems in general, so that what is below it are problems. */
export function namesProblems(text: string): boolean {
  const name = plainName(text);
  if (problemNouns.test(name) || statePhrase.test(name)) return true;
  const parts = name === '' ? [] : name.split(' ');
  // "Won't fix" is two words and one state.
  const isPhrase = name.replaceAll(allStateNouns, '').trim() === '';
  return parts.length > 0 && parts.length <= 5 && (isPhrase || parts.every((part) => stateNouns.test(part)));
}

/** A question that asks for a way, not for a cause: "How do I change the unit?" */
const asksHow =
  /^(?:q |question |frage |问 ?)?(?:how (?:to|do|can|should)|wie (?:kann|ändere|bekomme)|comment (?:puis|faire|changer)|cómo (?:puedo|se|hacer)|como (?:posso|fazer)|как (?:мне|изменить|сделать)|come (?:posso|faccio)|làm (?:thế nào|sao))(?![\p{L}])|^(?:q |问 ?)?(?:如何|怎么|怎样)/u;

/** In a guide to troubleshooting these are areas; elsewhere they head notes. */
const areaNames =
  /^(?:performance|security|installation|install|setup|configuration|environment|deployment|migration|testing|tests|dependencies|usage|monitoring)$/;

/** There the questions of readers are their problems. */
const questionNames = /^(?:faqs?|(?:frequently asked|common) questions|q ?&? ?a)$/;

/** Whether a heading of a guide to troubleshooting has the questions of its readers below it. */
export function namesQuestions(text: string): boolean {
  return questionNames.test(plainName(text));
}

/** Whether a text is a guide to troubleshooting, by the name of its file or its first heading. */
export function namesGuide(text: string): boolean {
  return /trouble-?_?shoot|fehlerbehebung|dépannage|sorun giderme|xử lý sự cố|solução de problemas|トラブルシューティング|устранение/iu.test(
    text,
  );
}

/** The last chapters of a report, which have numbers as well. */
const lastChapters =
  /^(?:conclusions?|summary|next steps|references?|recommendations?|action plan|roadmap|appendix|(?:suggested |recommended )?(?:fix|priority|work) order)$/;

/** Whether a heading names notes even if it has the next number in a list of problems. */
export function endsReport(text: string): boolean {
  return lastChapters.test(plainName(text));
}

/**
 * Whether a heading names notes, plans, logs and the like.
 * @param isGuide Whether it is in a troubleshooting guide.
 */
export function namesNotes(text: string, isGuide: boolean): boolean {
  const name = plainName(text);
  if (isGuide && (areaNames.test(name) || questionNames.test(name))) return false;
  if (noteNames.test(name) || asksHow.test(name)) return true;
  const isAboutProblems = problemNouns.test(name);
  if (noteBeginnings.test(name)) return !(isAboutProblems && /^(?:recent|latest|next|quick)/.test(name));
  if (isAboutProblems || failureWords.test(name)) return false;
  return noteEndings.test(name) || noteWords.test(name) || helpBeginnings.test(name);
}

const help = words(
  String.raw`^(?:(?:getting|getting more|need|more|finding) help|help|support|still (?:stuck|having).*|see also|references?|resources|links|further reading|related(?: \p{L}+)?|contacts?|whom? to (?:call|ask|contact)|contributing|license|table of contents|contents|toc|overview|introduction|about|faq|diagnostics?|hilfe|ayuda|aide|ajuda|помощь)$`,
);

/** Whether a heading tells where to find help or what else to read. */
export function namesHelp(text: string): boolean {
  return help.test(plainName(text));
}

/** Whether a title is a placeholder of a template. */
export function isPlaceholder(text: string): boolean {
  return templateForm.test(text);
}

/** Whether a heading says that what is below it tells how to write or report problems. */
export function namesTemplate(text: string): boolean {
  return /\btemplates?\b|\bsubmitting (?:an? )?(?:bugs?|issues?|reports?)\b|\bhow to (?:report|add|use|contribute|write|file)\b|\breporting\b|\b(?:entry|record|issue|bug) format\b|^\W*(?:format|formato|формат)(?: (?:of|for|de|del|da|das|der|des|d'|запис)\p{L}*(?: \p{L}+){0,2})?\W*$|^\W*(?:(?:status|severity|priority|bug|issue|problem)(?: id)? (?:indicators?|types?|levels?|definitions?|values|format|ids?)|about (?:this|the|issue|bug|problem)s? (?:file|list|document\w*|track\w*))\W*$|\bvorlage\b|\bplantilla\b|шаблон|模板/iu.test(
    text,
  );
}

const nothingAtAll = new RegExp(`^(?:${`${wordsOf('nothing')}${signsOf('nothing')}`.slice(1)})$`, 'iu');

/** Whether a text says that there is nothing: "None yet", "No known issues", "n/a". */
export function saysNothing(text: string): boolean {
  const plain = text
    .replaceAll(/[*_`()[\]>.!]|\p{Extended_Pictographic}|\uFE0F/gu, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
  if (nothingAtAll.test(plain)) return true;
  return /^(?:none|nothing|n\/a|no (?:known|current|open|active|critical|outstanding|major|remaining|new|unresolved|high|medium|low|reported|significant|blocking|blockers?|issues?|problems?|bugs?|entries|items)\b|keine|нет\b|ninguno|ninguna|无\b|暂无|没有|empty|tbd|-+$|—$)/iu.test(
    plain,
  );
}

const problemFile =
  /(?:problem|issue|bug|limitation|troubleshoot|known|gotcha|caveat|defect|probl[eèê]m|fehler|bogues?|erreur|erros?|falhas|errori|sorun|hata|проблем|ошибк|баги|问题|問題|不具合)/iu;

/** Whether the name of a file says that it holds problems. */
export function isProblemFile(file: string): boolean {
  return problemFile.test(file.split(/[\\/]/).at(-1) ?? '');
}
