/* The rules, sayings and chances of coupon_rec.assistant, in the same order: chapter 25. */
"use strict";

const hearing = (() => {
  const PRODUCTS = ["coffee", "oat milk", "dog food", "shampoo", "bananas"];
  const RULES = [
    ["person", "\\b(human|person|agent|manager|supervisor|employee|colleague|operator|representative)s?\\b"],
    ["person", "\\b(talk|speak|chat)\\b.*\\b(some ?(one|body)|staff|support)\\b"],
    ["person", "\\b(talk|speak|chat) (to|with) (your|the|an?|any ?one|any ?body)\\b"],
    ["person", "\\b(can|could|will) (some|any) ?(one|body)\\b.*\\bhelp\\b|\\bescalate\\b"],
    ["person", "\\b(call|ring|phone) me( (back|about|on|at|please|now|today|tomorrow)\\b|$)"],
    ["person", "^(yes|yeah|yep)( please)?$"],
    ["person", "\\b(customer service|transfer me|put me (through|in touch)|connect me|call you)\\b"],
    ["forget", "\\b(delete|erase|wipe|remove|destroy|deletion)\\b.*\\b(me|my|data)\\b|\\berasure\\b"],
    ["forget", "\\b(clear|get rid of)( all)?( (my|the)( \\w+)?)? (data|history|account|profile)\\b"],
    ["forget", "\\b(clear|get rid of)\\b.*\\b(stored|have|know)\\b.*\\b(on|about) me\\b"],
    ["forget", "(?<!\\bi )(?<!\\bdon t )(?<!\\bnot )(?<!\\bnever )(?<!\\bnot to )(?<!\\bt want to )\\bforget\\b|\\bbe forgotten\\b"],
    ["stop", "\\b(un ?subscribe|unsubscribing|opt(ing)?( \\w+)? out|leave me (alone|in peace|be))\\b"],
    ["stop", "^(please )?(go away|shut up)( please)?$|\\b(not|don ?t) disturb me\\b"],
    ["stop", "\\boff (the|your)( \\w+)? list\\b|\\b(not|no longer) interested\\b"],
    ["stop", "^(?!(when|how long|does|do|did|will)\\b.*\\b(offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)( ever)? stop\\b).*(?<!\\bnot )(?<!\\bdon t )(?<!\\bnever )(?<!\\bt want to )(?<!\\bdo you )(?<!\\bdid you )(?<!\\bbus )(?<!\\btram )(?<!\\btruck )(?<!\\bpit )(?<!\\bnext )\\b(stop|quit)\\b(?! (by|off|at(?! once))\\b)"],
    ["stop", "^((i said|please|ok(ay)?|well|no|thanks?|thank you|sorry|hi|hello|hey) )*(no|zero) (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)( (please|thanks?|you|for|me|today|now|any|more|ever|again|at|all|i|said|ok(ay)?|then|understood))*$"],
    ["stop", "^(?!why\\b).*(?<!\\bis )(?<!\\bare )(?<!\\bhave )(?<!\\bsee )(?<!\\bfind )(?<!\\bgot )(?<!\\bget )\\bno (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?) (please|thanks|thank you)$"],
    ["stop", "^(please )?no more( please)?$|\\bturn off\\b.*\\b(offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)\\b"],
    ["stop", "^(?!(why|is|are|was|were|does|did|have|has)\\b|do (i|you|we)\\b|there (is|are)\\b).*(?<!\\bhave )(?<!\\bsee )(?<!\\bfind )(?<!\\bgot )\\b(no more|no further|never again|(want|need|wish|prefer|rather)( \\w+)? no)\\b.*\\b(offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)\\b"],
    ["stop", "\\b(i d|would) like( to (get|have|receive))? no( more| further)? (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)\\b"],
    ["stop", "\\b(prefer|rather|like|wish|ask|want) not to (get|receive|have|see|be (sent|shown))( (any|more|your|the))* (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)\\b"],
    ["stop", "\\b(had|have) enough (of|with)( (all|your|the|these))* (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)\\b|^enough (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)$"],
    ["stop", "\\bi (refuse|object to)( (all|any|your))+ (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)\\b|\\bi object to marketing\\b"],
    ["stop", "\\b(withdraw|revoke)( my)? consent\\b|^(please )?cease\\b"],
    ["stop", "\\b(want|ask(ed)? for)( (all|your|the|my|these))* (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)( to be)? stopped\\b"],
    ["stop", "\\bcancel( (all|any|my|the|your|these|marketing))* (newsletters?|mailings?|e ?mails?)\\b"],
    ["stop", "\\bcancel (all|any) (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)\\b"],
    ["stop", "(?<!\\bif i )\\b(not|don ?t|never|no longer)( (ever|really))* (want|need|wish|care|like)( (for|about|any|more|of|your|the|these|those|to|get|see|receive|have|hear|be|sent|given|mailed|shown|told))* (?!(coupon|voucher|offer|deal|discount|promotion) (on|for)\\b)(offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)\\b(?!.*\\b(others?|instead)\\b)"],
    ["stop", "^((please|ok(ay)?|and|so|but|just|thanks?|thank you|hi|hello|hey) )*(do not|don ?t|never)( (ever|please))* (give|mail|text|message|spam|deliver|tell|mention)( (me|us|with|about|of|any|more|your|the|these))* (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)( (please|any|more|ever|again|at|all|now|today|thanks?|you))*$"],
    ["stop", "(?<!\\bwhy )(?<!\\bdid )(?<!\\bdoes )\\b(not|don ?t|never|no longer)( (ever|really|please|be|to|want|wish|you))* (send\\w*|show\\w*|recommend\\w*|offer|contact|e ?mail|bother|write)\\b"],
    ["complaint", "\\b(refund|money back|broken|spoiled|rotten|stale|complain|complaint|damaged)\\b"],
    ["complaint", "\\b(rude|unhappy|angry|terrible|ridiculous|awful|charged|missing|refused)\\b"],
    ["complaint", "\\b(never|not|didn ?t|did not|doesn ?t|does not) (arrived?|work|come|came)\\b"],
    ["complaint", "\\b(is|was|are|were) (late|wrong|cold)\\b|\\bwrong (item|order|product|price)\\b"],
    ["why", "\\bwhy\\b|\\bhow come\\b|\\breason\\b|\\bbasis\\b|\\bwhat made you\\b"],
    ["why", "\\bhow (do|did) you (know|choose|pick|select|decide)\\b"],
    ["terms", "\\bexpired\\b"],
    ["use", "\\bhow (do|can|to|does|should)\\b.*\\b(use|redeem|redeeming|apply|activate|work)"],
    ["terms", "\\b(expir\\w*|(runs?|ran) out|valid|until|conditions?|terms|minimum|last day)\\b"],
    ["terms", "\\b(how (much|long)|what percent\\w*|which (products?|items?)|when|up to which)\\b"],
    ["terms", "\\b(how big|cover|covers|still (good|work))\\b"],
    ["use", "\\b(till|checkout|register|print|scan|code|automatically)\\b"],
    ["use", "\\bhow to\\b|\\bwhere (can|do) i (use|redeem)\\b"],
    ["coupons", "\\b(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?\\b"],
    ["coupons", "\\b(save|saving|savings|cheaper|cheap|on sale|money off|anything (for|on|off))\\b"],
    ["thanks", "\\b(thanks?|thx|bye|goodbye|cheers|see you|that s all|that was all|helps)\\b"],
    ["hello", "^(hi|hiya|hello|hey|greetings|good (morning|afternoon|evening|day))\\b"],
  ];
  const REFUSES = "\\b(no|not|don ?t|i won ?t|never|without|nobody|none|zero|nope|nothing more|hate|sick of|(can ?t|cannot) stand|enough|stop\\w*|keep|cancel\\w*|cease|refuse|refrain|avoid|object|consent|opted|unsub\\w*|withdraw|revoke|gone|shut up)\\b|\\btake\\b.*\\baway\\b|^(please )?(end|drop|skip|spare|save)\\b";
  const LACKS = "(?<!\\bto )(?<!\\bwill )\\b(not|don ?t|never)( (yet|even|ever|really))* (see|find|have|had|get|got|receive|received|know|sure|remember|only|just)\\b|(?<!\\bdid )(?<!\\byou )\\b(not|don ?t|never)( want to)? (stop|quit|miss|lose|forget)\\b|\\b(is|are|was|were|or|if|i have|i had|see|find|got)( \\w+)? (no|not)\\b(?! (wanted|welcome|needed|use|need|interest)\\b)|^(any|what|which|where|is|are|do (i|you|we)|does|can i|have (i|you)|show me|list)\\b.*";
  const SAYS = {
    hello: "Hello! I can tell you about coupons, how to use them, and why they were chosen.",
    coupons: "You have:",
    terms: "All that I know of these coupons:",
    why: "Why these coupons were chosen for you, as far as I know:",
    none: "I find none for you at the moment.",
    others: "I find none by that name or number. You have:",
    use: "Coupons are shown at the till, in the app or on paper: whether one counts is decided there.",
    product: "I know coupons, not products. Shall I bring in a colleague?",
    thanks: "Thank you for writing to us.",
    unknown: "I did not understand that. Ask me about coupons, or for a colleague.",
    stop: "I will offer nothing more here, and have passed that on.",
    forget: "I have passed that on.",
    complaint: "I am sorry. A colleague takes over from here.",
    person: "A colleague takes over from here.",
    away: "I cannot see the coupons at the moment. A colleague takes over from here.",
    waiting: "A colleague has this conversation, and gets what you write.",
    unheard: "I did not hear a request for coupons. Please write it.",
    offer: "By the way, you have:",
  };
  const TELLS = {
    hello: [0.25, 0.25, 0.1],
    product: [0.22, 0.45, 0.1],
    use: [0.32, 0.05, 0.03],
    why: [0.03, 0.1, 0.05],
    thanks: [0.12, 0.05, 0.02],
    unknown: [0.04, 0.08, 0.15],
    complaint: [0.02, 0.02, 0.55],
  };
  const GAIN = [-0.9, 0.6, -1.2];
  const LEAVES = 0.25;
  const PLACES = { first: 1, second: 2, third: 3, fourth: 4, fifth: 5, last: -1 };
  const PLACE = `\\b(${Object.keys(PLACES).join("|")})\\b(?! (?:day|time|week|month|year)s?\\b)`;
  const WHICH = new RegExp(
    `(?:^|(?<!\\bnot )(?<!\\bbefore )\\b(?:the|my|your) )${PLACE} (?:one|coupon|voucher|offer|deal)\\b`,
  );

  /** Small letters and digits, without marks, with single spaces. */
  function plain(words) {
    const seen = words.slice(0, 500).normalize("NFKD").toLowerCase();
    const text = seen.replace(/[\p{M}\p{Cf}\p{Cn}]/gu, "").replace(/[\u115f\u1160\u2800]/g, " ");
    const folded = text.replaceAll("ß", "ss");
    return (folded.match(/[\p{L}\p{N}]+/gu) ?? []).join(" ");
  }

  const finds = (pattern, text) => new RegExp(pattern).test(text);

  /** The sentences of a message, and whether each asks something: "ok?" asks nothing. */
  function sentences(words) {
    const text = words.slice(0, 500).normalize("NFKD");
    const found = [...text.matchAll(/([^.!?;:\n]+)([.!?;:\n]*)/g)];
    return found.map(([, sentence, end]) => {
      const tag = finds("\\b(ok(ay)?|clear|understood)$", plain(sentence));
      return { sentence, asks: end.includes("?") && !tag };
    });
  }

  /** Whether a sentence, or a part of one that asks nothing, asks for no more offers. */
  function wantsNothing(words) {
    const parts = sentences(words).flatMap(({ sentence, asks }) => [
      sentence,
      ...(asks ? [] : sentence.split(",")),
    ]);
    const stops = RULES.filter(([intent]) => intent === "stop");
    return parts.some((part) => stops.some(([, pattern]) => finds(pattern, plain(part))));
  }

  /** Whether a part of a sentence that asks nothing seems to refuse coupons. */
  function refuses(words) {
    const named = RULES.filter(([intent]) => intent === "coupons");
    const said = sentences(words).filter(({ asks }) => !asks);
    const parts = said.flatMap(({ sentence }) => sentence.split(/[,()–—]| -+ /).map(plain));
    return parts.some(
      (part) =>
        finds("^no (thanks?|thank you)$", part) ||
        (finds(REFUSES, part.replace(new RegExp(LACKS, "g"), "")) &&
          named.some(([, pattern]) => finds(pattern, part))),
    );
  }

  /** What was meant: an intent, a product, and a place in the list. */
  function hear(words) {
    const text = plain(words);
    const products = PRODUCTS.filter((name) => ` ${text} `.includes(` ${name} `));
    const product = products.length === 1 ? products[0] : ""; // several are no one's name
    const named = WHICH.exec(text);
    const places = text.match(new RegExp(PLACE, "g")) ?? [];
    const stops = wantsNothing(words);
    const rule = RULES.find(([intent, pattern]) =>
      intent === "stop" ? stops : finds(pattern, text),
    );
    let intent = rule ? rule[0] : products.length ? "product" : "unknown";
    if (intent === "coupons" && refuses(words)) intent = "unknown"; // rather than shown
    return { intent, product, which: named && places.length === 1 ? PLACES[named[1]] : 0 };
  }

  /** Those of a list that are meant: by their product, by their place among these, or all. */
  function meant(list, { which, product }) {
    const mine = list.filter(([name]) => !product || name === product);
    if (!which) return mine;
    const at = which > 0 ? which - 1 : which;
    const one = mine.at(at) ?? list.at(at);
    return mine.includes(one) ? [one] : [];
  }

  return { SAYS, TELLS, GAIN, LEAVES, hear, meant };
})();
