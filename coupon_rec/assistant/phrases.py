"""The wordings that `hear` knows, as patterns of plain text that the page reads, too."""

from typing import Final

ADS: Final = (
    r"(offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|e ?mails?|mail|mailings?|newsletters?|"
    r"marketing|discounts?|promotions?|promos?|specials|bargains?)"
)
HELLO: Final = r"(hi|hiya|hello|hey|greetings|good (morning|afternoon|evening|day))"
THANKS: Final = r"(thanks?|thx|bye|goodbye|cheers|see you|that s all|that was all|helps)"
NOUN: Final = r"(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?"

SIGNS: Final = (
    ("🚫⛔❌✖✗✘☒🚷", " no "),
    ("🛑", " stop "),
    ("👍👌", " yes "),
    ("👎🙅🖕🔇🔕🤮🤢🤬😡😠💩🗑💔", " not "),
)
"""What says yes or no without a letter."""

RULES: Final[tuple[tuple[str, str], ...]] = (
    (
        "person",
        r"(?<!\bper )(?<!\beach )(?<!\bevery )(?<!\bone )(?<!\bcleaning )"
        r"\b(human|person|agent|manager|supervisor|employee|colleague|operator|representative)s?\b",
    ),
    ("person", r"\b(talk|speak|chat)\b.*\b(some ?(one|body)|staff|support)\b"),
    ("person", r"\b(talk|speak|chat) (to|with) (your|the|an?|any ?one|any ?body)\b"),
    ("person", r"\b(can|could|will) (some|any) ?(one|body)\b.*\bhelp\b|\bescalate\b"),
    ("person", r"\b(call|ring|phone) me( (back|about|on|at|please|now|today|tomorrow)\b|$)"),
    (  # the one thing that the assistant asks
        "person",
        rf"^((oh|{HELLO}) )?(yes|yeah|yep|please do|that would be (great|nice|good|lovely|kind))"
        r"( please)?( (thanks?|cheers)( you)?( very much| so much| a lot)?)?$",
    ),
    ("person", r"\b(customer service|transfer me|put me (through|in touch)|connect me|call you)\b"),
    (
        "forget",
        r"\b(delete|erase|wipe|remove|destroy|deletion)\b( \w+){0,4} (me|data|information|history|"
        r"account|profile|records?|name|details)\b|\b(delete|erase|wipe|destroy)( all( of)?)? my\b"
        r"|\b(erase|delete) everything\b|\berasure\b",
    ),
    ("forget", r"\b(clear|get rid of)( all)?( (my|the)( \w+)?)? (data|history|account|profile)\b"),
    ("forget", r"\b(clear|get rid of)\b.*\b(stored|have|know)\b.*\b(on|about) me\b"),
    (
        "forget",
        r"(?<!\bi )(?<!\bdon t )(?<!\bnot )(?<!\bnever )(?<!\bnot to )(?<!\bt want to )\bforget"
        r"( (all|about|what))* (me|everything|you know|my (data|name|account))\b|\bbe forgotten\b",
    ),
    (
        "stop",
        r"\b(un ?subscribe|unsubscribing|opt(ing)?( \w+)? out|leave me (alone|in peace|be))\b",
    ),
    ("stop", r"^(please )?(go away|shut up)( please)?$|\b(not|don ?t) disturb me\b"),
    ("stop", r"\boff (the|your)( \w+)? list\b"),
    (
        "stop",
        r"\b(not|no longer) interested( (thanks?|thank you|any ?more|at all|ever|please|in (it|"
        rf"this|that|these|them|(any |your |the |more |all )*{ADS})))*$",
    ),
    (
        "stop",
        rf"^(?!(when|how long|does|do|did|will)\b.*\b{ADS}( ever)? stop\b).*"
        r"(?<!\bnot )(?<!\bdon t )(?<!\bnever )(?<!\bt want to )(?<!\bdo you )(?<!\bdid you )"
        r"(?<!\bbus )(?<!\btram )(?<!\btruck )(?<!\bpit )(?<!\bdoor )(?<!\bnext )"
        r"\b(stop\b(?! (by|off|at(?! once))\b)|quit( (it|that|sending|showing|the|your)\b|$))"
        r"(?!.*\bfrom (expiring|ending|running)\b)",
    ),
    (
        "stop",
        rf"^((i said|please|ok(ay)?|well|no|thanks?|thank you|sorry|hi|hello|hey) )*(no|zero) {ADS}"
        r"( (please|thanks?|you|for|me|today|now|any|more|ever|again|at|all|i|said|ok(ay)?|then"
        r"|understood))*$",
    ),
    (
        "stop",
        r"^(?!why\b).*(?<!\bis )(?<!\bare )(?<!\bhave )(?<!\bsee )(?<!\bfind )(?<!\bgot )"
        rf"(?<!\bget )\bno {ADS} (please|thanks|thank you)$",
    ),
    ("stop", rf"^(please )?no more( please)?$|\bturn off\b.*\b{ADS}\b"),
    (
        "stop",
        r"^(?!(why|is|are|was|were|does|did|have|has)\b|do (i|you|we)\b|there (is|are)\b).*"
        r"(?<!\bhave )(?<!\bsee )(?<!\bfind )(?<!\bgot )\b(no more|no further|never again|"
        rf"(want|need|wish|prefer|rather)( \w+)? no)( (of|your|the|these|any|such))* {ADS}\b",
    ),
    ("stop", rf"\b(i d|would) like( to (get|have|receive))? no( more| further)? {ADS}\b"),
    (
        "stop",
        r"\b(prefer|rather|like|wish|ask|want) not to (get|receive|have|see|be (sent|shown))"
        rf"( (any|more|your|the))* {ADS}\b",
    ),
    ("stop", rf"\b(had|have) enough (of|with)( (all|your|the|these))* {ADS}\b|^enough {ADS}$"),
    ("stop", rf"\bi (refuse|object to)( (all|any|your))+ {ADS}\b|\bi object to marketing\b"),
    ("stop", r"\b(withdraw|revoke)( my)? consent\b|^(please )?cease\b"),
    ("stop", rf"\b(want|ask(ed)? for)( (all|your|the|my|these))* {ADS}( to be)? stopped\b"),
    (
        "stop",
        r"\bcancel( (all|any|my|the|your|these|marketing))* (newsletters?|mailings?|e ?mails?)\b",
    ),
    ("stop", rf"\bcancel (all|any) {ADS}\b"),
    (
        "stop",
        r"(?<!\bif i )\b(not|don ?t|never|no longer)( (ever|really))* (want|need|wish|care|like)"
        r"( (for|about|any|more|of|your|the|these|those|to|get|see|receive|have|hear|be|sent|given"
        r"|mailed|shown|told))* (?!(coupon|voucher|offer|deal|discount|promotion) (on|for)\b)"
        rf"{ADS}\b(?!.*\b(others?|instead)\b)",
    ),
    (
        "stop",
        r"^((please|ok(ay)?|and|so|but|just|thanks?|thank you|hi|hello|hey) )*(do not|don ?t|never)"
        r"( (ever|please))* (give|mail|text|message|spam|deliver|tell|mention)"
        rf"( (me|us|with|about|of|any|more|your|the|these))* {ADS}"
        r"( (please|any|more|ever|again|at|all|now|today|thanks?|you))*$",
    ),
    (
        "stop",
        r"((?<!\bwhy )(?<!\bi )(?<!\byou )(?<!\bwe )(?<!\bthey )\b(do not|don ?t|never)|\bnot to|"
        r"\b(must|should|shall) not|\b(not|don ?t|never|no longer) (want|wish)( you)? to( be)?)"
        r"( (ever|really|please|be))* (send\w*|sent|show\w*|recommend\w*|offer\w*|contact\w*|"
        r"e ?mail\w*|bother(?! you)\w*|write)\b",
    ),
    (
        "complaint",
        rf"^(?!(is|are|was|does|will) (\w+ ){{0,8}}{NOUN}\b).*\b(refund|money back|broken|spoiled|"
        r"rotten|stale|complain|complaint|damaged|rude|unhappy|angry|terrible|ridiculous|awful|"
        r"charged|missing|refused|(never|not|didn ?t|did not|doesn ?t|does not) (arrived?|work|"
        r"come|came)|(is|was|are|were) (late|wrong|cold)|wrong (item|order|product|price))\b",
    ),
    ("why", r"\bwhy\b|\bhow come\b|\breason\b|\bbasis\b|\bwhat made you\b"),
    ("why", r"\bhow (do|did) you (know|choose|pick|select|decide)\b"),
    ("terms", r"\bexpired\b"),
    ("use", r"\bhow (do|can|to|does|should)\b.*\b(use|redeem|redeeming|apply|activate|work)"),
    ("terms", r"\b(expir\w*|(runs?|ran) out|valid|until|conditions?|terms|minimum|last day)\b"),
    ("terms", r"\b(how (much|long)|what percent\w*|which (products?|items?)|when|up to which)\b"),
    ("terms", r"\b(how big|cover|covers|still (good|work))\b"),
    ("use", r"\b(till|checkout|register|print|scan|code|automatically)\b"),
    ("use", r"\bhow to\b|\bwhere (can|do) i (use|redeem)\b"),
    ("coupons", rf"\b{NOUN}\b"),
    ("coupons", r"\b(save|saving|savings|cheaper|cheap|on sale|money off|anything (for|on|off))\b"),
    ("thanks", rf"\b{THANKS}\b"),
    ("hello", rf"^{HELLO}\b"),
)
"""Intents and the patterns that speak for them; the first that is found decides."""

WHAT_FOR: Final = r"( (so|very) much| a lot)?( for (the|your) (help|answer))?"
PLACES: Final = {"first": 1, "second": 2, "third": 3, "fourth": 4, "fifth": 5, "last": -1}
PLACE: Final = rf"\b({'|'.join(PLACES)})\b(?! (?:day|time|week|month|year)s?\b)"
WHICH: Final = (
    rf"(?:^|(?<!\bnot )(?<!\bbefore )\b(?:the|my|your) ){PLACE} (?:one|coupon|voucher|offer|deal)\b"
)
"""How a coupon of a list is named: "the forty-third coupon" is not the third one."""
OFFERING: Final = ("coupons", "terms", "why")
"""What is answered with coupons, and only to who asks for that, without a word that refuses."""
DESK: Final[tuple[tuple[str, str], ...]] = (
    (
        "person",
        r"\b(support|staff|(a|the|your) team|boss|owner|clerk|cashier|help ?desk|hotline)\b"
        rf"(?! ({NOUN}|see|scan|check|take|accept|need|have to)\b)|"
        r"\b(live chat|phone number|by phone|real one|give me a (call|ring))\b|"
        r"\b(can|may|could) i (call|phone|ring)\b|\b(call|phone|ring) (you|some ?(one|body))\b|"
        r"\b(some|any) ?(one|body)\b.*\b(help|look|real|discuss|explain|contact)\b|"
        r"\b(with|get) some ?(one|body)\b|\bwho\b.*\bhelp\b",
    ),
    (
        "forget",
        r"\b(erase|purge|scrub|close|cancel|remove)\b.*\b(everything|data|records?|account)\b|"
        r"\b(data|records?|account|name)\b.*\b(removed|deleted|erased)\b|"
        r"\b(deregister me|right of deletion|my name out)\b|"
        r"(?<!\bi )(?<!\bnot )(?<!\bdon t )(?<!\bnever )\b(forget|erase|wipe|delete|strike|"
        r"remove)\b.*\b(i( ever)? (bought|buy|drink|like|said|told|asked|wrote)|"
        r"(my|our) (purchases?|question|"
        r"words|messages?|profile|records|shopping|history))\b",
    ),
    (
        "complaint",
        r"\b(owe me|paid too much)\b|\b(did|was)( not|n ?t)\b.*\bdiscounts?\b",
    ),
)
"""Who names a person, their data or missing money is for the desk, though no rule says so."""

NOBODY: Final = (
    r"^(?!.*\b(i (want|need)|get me|give me|bring me|but|instead|machine|robot|bot|computer)\b)"
    r"((no|nope|nah|please|sorry|thanks?|you|just) )*(no (need|an?|any|your|human|person|agent|"
    r"colleague|staff)|without|not|don ?t|do not|i (don ?t|do not)|(there is )?no need)\b.*"
    r"\b(human|person|agent|colleague|staff|support|any ?(one|body)|some ?(one|body))s?"
    r"( (please|thanks?|you))*$"
)
"""Who wants no colleague, and says no more than that."""

FIRST: Final = (
    r"^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|"
    r"good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*"
)
START: Final = rf"({FIRST}|, )"
OUR: Final = (
    r"((an?|any|some|my|the|your|all|more|another|other|these|those|of|for|about|which|what|there|"
    rf"new|good|better|best|current|{'|'.join(PLACES)}) )*"
)
COUPONS: Final = (
    rf"{OUR}((?!(off|out|over|from|to|rid|with|sans|beyond|after|before|against|you) )\w+ ){{0,2}}"
    rf"{NOUN}(?= |$)"
)
END: Final = (
    r"(?=( (please|too|now|today|yet|left|here|available|that|which|for|on|off|with|i|at the "
    r"moment|right now|this (week|month)|in (my|the) (app|account|list|mail))\b.*)?"
    r"( [,?].*)?$)"
)
BARE: Final = (
    rf"(?!.*\bwhat an?\b){FIRST}{OUR}(thing )?{NOUN}( (for|on|of)( \w+){{1,4}})?"
    r"(?=( ,)?( (please|pls|plz|now|today|then|thanks?|thank you))*"
    r"( \?|$| , (please|any|what|which|do)\b))"
)
"""A request that is no more than "coupons": it counts where nothing but courtesies stand beside."""
POLITE: Final = (
    rf"^(({HELLO}|{THANKS}( you)?{WHAT_FOR}|please|ok(ay)?|well|so|yes|sorry|there|everyone|all|"
    r"team|assistant|any ?(one|body)|again|to you|to all|many|great|perfect|nice|fine|how are you|"
    r"i needed|i wanted|that|this|is all|helped( a lot)?|"
    r"have an?( very)? (nice|good|lovely) (day|evening|weekend))[ ,?]*)*$"
)
"""A courtesy, whole. No two ways to read a word of it: they double with each word."""
WONDERS: Final = (
    rf"{FIRST}(((do|can|have) (you|i)( still)?( (have|sell|stock|carry|get|buy))?|got|"
    r"(are|is) there|where (is|are|do i find|can i find)|how much (is|are)|(what|how) about|"
    r"i( m| am)? (need|want|"
    r"buy|look|looking)( for)?|is|are) )?((any|some|the|your|good|fresh|more|and) )*thing"
    r"( (in stock|left|today|here|please|there))?( \?)?$"
)
"""A plain question for a product."""
AGREES: Final = (
    rf"^((oh|ok(ay)?|well|right|great|please|no problem|{HELLO}|thanks?|thank you) )*("
    r"((yes|yeah|yep|yup|aye)\b(?! (but|right|no|later|tomorrow|i can\b(?! ?not| t)|another)\b)|"
    r"(sure|gladly|certainly|definitely|absolutely|of course|by all means|go ahead|bring (one|him|"
    r"her|in a colleague)|(you )?do (it|that|so)|let s do (it|that)|good idea)"
    r"( (please|thanks?|thank you|why not|ask|tell|bring|do|go|that|it|why)\b|$))"
    r"(?!.*\b(no thanks?|no thank you|(don t|do not) (bring|need|want)|myself|yourself|waste)\b)|"
    r"(that would (be (\w+ )?(great|nice|good|lovely|kind|helpful|perfect|fine|wonderful)|help)|"
    r"i( would| d)( (like|love|appreciate) (that|it|one))?|why not|exactly|if you (could|would))"
    r"( please| thanks?| thank you)*$)"
)
"""A yes to the one thing that the assistant asks: "Shall I bring in a colleague?"."""
BRIEF: Final = (
    rf"^(?!.*(\d|,.* (and|my|i|the)\b))(?=.*\b({NOUN}|ones?|why (me|this|these)|(it|they|thing) "
    r"(still )?(valid|expires?|good)|(use|redeem|off|until) (it|them|thing))\b)\S+( \S+){0,8}$"
)
"""A short sentence about coupons, in which nothing else can stand."""
ASKS: Final = (
    rf"{START}any {COUPONS}{END}",
    rf"{START}(which|how many|what(?! (an?|your|my)\b)) ((is|are|s) )?{COUPONS}",
    rf"{START}(show|list|see|find|view|check)( me| us)? {COUPONS}{END}",
    rf"{START}(give|tell|remind|send|get|bring|offer) (me|us) {COUPONS}{END}",
    rf"{START}(do|did|does|can|could|may|will|would|have|if) (i|you|we)( (also|still|please))* "
    rf"(have|get|got|see|find|use|do|offer|show me|give me|tell me|know) {COUPONS}{END}",
    rf"{START}(got|have you|is there|are there) {COUPONS}{END}|{START}(is|are) (the|my) {COUPONS}",
    rf"{START}(where (is|are)|(where|how)( \w+){{1,3}} (find|see|get)) {COUPONS}{END}",
    rf"{START}i( (d|would|m|am|just|really|still))* (want|need|like|love|wish|look|looking|ask|"
    rf"asking)( (for|to (have|get|see|find|use|know)))* {COUPONS}{END}",
    rf"{START}(what|where|how|can|i)( \w+){{0,3}} save\b(?! me)",
    r"\b(any|some)thing( \w+)? (cheaper|cheap|for|on|off)\b",
    rf"{START}(is|are|what|which)\b.*\b(on (offer|sale|special)|cheaper)\b",
    rf"{START}(how long|until when|when|is|are|does)\b.*\b({NOUN}|one)\b.*"
    r"\b(valid|(?<!for )good|expires?)\b",
    rf"{START}until when\b.*\b{NOUN}\b",
)
"""How a customer asks for coupons in so many words."""
AGAIN: Final = (
    rf"^(?!((and|of|about|all|these|those|your) )+{NOUN}( \?)?$)"
    rf"{FIRST}(((show|list|see|view|give|tell|send|get)( me| us)?|(do|have|can|could|may) (i|you)"
    r"( still)?( (have|see|get|use|show me))?|got|(are|is) there|where (do|can) i (find|see)|"
    r"where are|(what|which)( are| is| s)?|i (want|need)( to see)?|i( d| would) like"
    rf"( to (see|know|have))?) )?({OUR}(thing )?{NOUN}|what s on offer)"
    r"( (for|on|in)( (my|the|\w+ food))?( \w+)?| off thing)?( i have| do i have| , what do i have)?"
    r"(( ,)? (please|pls|now|today|this week|at the moment|then|again|thanks?|thank you))*( \?)?$|"
    rf"^(how long|until when) (is|are) (the|my)( ({'|'.join(PLACES)}))? (one|{NOUN})( still)?"
    r" (valid|good)( \?)?$"
)
"""How a customer who wanted none asks for coupons once more: nothing else is in the message."""
VERB: Final = (
    r"(is|are|was|were|s|do|does|did|can|could|will|would|should|must|may|shall|has|have|had)"
)
WHO: Final = (
    r"(i|you|we|it|they|he|she|there|this|that|these|those|the|my|your|all|any|an?|every|mine|both|"
    r"one|either|(any ?)?thing|some ?one|today|tomorrow|coupons?|vouchers?|offers?|deals?)"
)
WHAT: Final = (
    r"(percent\w*|thing|products?|items?|brands?|stores?|days?|dates?|time|amount|minimum|code|terms|"
    r"conditions?|reasons?|basis|grounds?)"
)
ABOUT: Final = (
    rf"{START}((how|when|where|what|which|until when|on what)( (?!{WHO} )\w+){{0,2}} {VERB}|"
    r"which( ones?)? (expires?|ends?|runs?|covers?)|when (it|they|the \w+) (expires?|ends?|runs?)|"
    r"why(?! , (thank|that|this|what|yes|of))|how (come|much|long|big|many|soon|late|far)|"
    rf"(what|which) {WHAT}|what made|(on|for|to) which|on what {WHAT}|"
    rf"(until|up to|by) (what|which|when|how)|explain(?! that)|(tell|show) (me|us)|"
    rf"(tell|say|name|list|check|give me)( the)? (why|when|until|how|which|what|about|last day|"
    rf"expiry|{WHAT})|did (i|you|it|they|mine|both|one|any|the)|"
    rf"(is|are|was|were|do|does|can|could|will|would|should|must|may|have|has) {WHO})\b|"
    r"\b(how|where) to (use|redeem|apply|activate|get|save|find|pay|scan|print)\b|\?$"
)
"""How a customer asks about coupons without naming them: "why me?"."""
NEVER: Final = r"((do|does|did|is|are|was|were|have|has|wo|would|should|could|ca|ai|d)n ?t|cannot)"
REFUSES: Final = (
    rf"\b({NEVER}|no|not|never|none|nobody|nope|nah|nothing|zero|nil|zilch|without|minus|against|"
    r"enough|i (sue|dare)|as if|for good(?! )|in peace|let me be(?! )|pester\w*|bombard\w*|"
    r"terminat\w*|must i (bear|throw)|until (you|i) (listen|let|go|leave)|"
    r"fewer|less|gone|away|hell|too (many|much)|fed up|(sick|tired|rid) of|"
    r"(some|any) ?(one|body) else|leave|why (am|are|do) \w+ still|why (would|should)|you still|"
    r"keep\w*|(have|had|has) to|out of|stop\w*|quit|cease|end (it|them|the|your|all|these)|"
    r"hat(e|ed|ing)|dislike\w*|annoy\w*|spam\w*|bother\w*|block\w*|declin\w*|reject\w*|refus\w*|refrain|avoid|"
    r"cancel\w*|object\w*|forbid|exclude|exempt|disable|discontinue|drop|skip\w*|spare|hide|mute|"
    r"withhold|withdraw|revoke|consent|opt(ed|ing)?|unsub\w*|unwanted|uninterested|silence|quiet|"
    r"shut up|put up with|i (m|am|want) out|remov\w*|delet\w*(?! itself)|lawyers?|ugh|yuck|"
    r"(bin|junk|rubbish)(?! (food|bag|liner)s?)|(turn|switch)\w*( \w+){0,4} off|"
    rf"tak(e|es|ing)( (all|the|your|my|these))* (me|us|it|them|this|these|those|{NOUN}) off)\b"
    rf"|(^|, )(please )?(off with|get lost|down with)\b|\b0 (more )?{ADS}\b|"
    rf"\b(an?|the|my) (end|break|pause|rest|halt|block|last|suspension|termination) (of|to|from) "
    rf"{OUR}{ADS}\b|\b(end|bann?|paus|mut|ignor|delet|burn|binn|kill|ditch|scrap)(e|ed|ing)? "
    rf"{OUR}{ADS}\b|\b(coupon|voucher|offer|deal)s? off\b"
    r"(?! (?!(my|your|our|for|from|at|in|now|please|today|switch|button|list)\b)\w)"
)
"""What makes a refusal of it, wherever it stands: better not understood than shown."""
COUPON: Final = rf"(?!any more ){OUR}(\w+ )?({NOUN}|one)\b{END}"
LACKS: Final = (
    r"^no( ,)? (?=(show|list|which|what|any|i (want|need)|do i|can i)\b)",
    r"\bi (do not|did not|have not|can not|cannot|don ?t|didn ?t|haven ?t|can ?t|never)"
    rf"( (yet|even|ever))* (see|find|had|get|got|receive|received|(?<!can t )(?<!cannot )have) "
    rf"(?={COUPON})",
    r"\bi (do not|don ?t|can not|cannot|can ?t) (see|find( out)?|know|remember) "
    r"(?=(which|what|where|how (much|long|many)|when|until|if (i|there|my)|the (code|day|date))\b"
    r"(?! to do))",
    r"(^|(?<=, )|\bi |\bplease )(do not|don ?t|never)( want to)? (stop|miss|lose|forget)"
    r"( (getting|sending me))?\b",
    r"\b((i|you) have|(are|is) there|(do|did|have) (i|you)( have| get| got)?) no( more)?\b"
    rf"(?= {NOUN})",
    rf"\b(is|are) there no longer\b|\byou (do not|don ?t) (have|offer|give me)(?= {COUPON})",
    r"^why (do not|don ?t|can ?t|did not|didn ?t) (i|you) (have|get|got|see|find|receive|use|"
    rf"redeem|offer|send|give|show)( me)?(?= {COUPON})|"
    r"^why not (?=(another|this|that|the|thing|me)\b)",
    rf"^{NEVER} ((you|i|we) (have|get|offer|know of)(?= {COUPON})|there(?= {COUPON})|"
    rf"(?=(my|the|this)( \w+)? ({NOUN}|one)\b)|(?=it( still)? (valid|good|expired|over)\b))",
    rf"\bor (no|not)(?= [,?]|$)|^not (?=(the|my) (thing|{'|'.join(PLACES)})\b)|"
    r"\bwith(out| no)\b(?! (me|my|us|you|your|asking|being|getting|receiving|seeing|hearing|end|"
    rf"break|consent|{ADS}|{OUR}{NOUN})\b)",
    r"\b(is|are) not in my (app|account|list|mail)\b|"
    r"\bdoes (the|my|this)( \w+)? (coupon|voucher|offer|deal|discount) stop\b",
    r"^(i m|i am|it is) not (sure|clear)( to me)?"
    r"(?=( ,)? (which|what|how|when|where|until|if|whether|it)\b|( ,)?$)",
    r"\b(do|does|will|would|must) (i|we|it) have to (?=(do|show|print|scan|use|register|cut|"
    r"bring|enter|buy|spend|redeem|activate|say|pay)\b)",
)
"""What sounds like a refusal, and is none: a coupon that is missed, kept or doubted."""
