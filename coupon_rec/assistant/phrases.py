"""The wordings of each intent, as patterns of plain text that the page reads, too."""

from typing import Final

ADS: Final = (
    r"(offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|"
    r"commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|"
    r"specials|bargains?)"
)
HELLO: Final = r"(hi|hiya|hello|hey|greetings|good (morning|afternoon|evening|day))"
THANKS: Final = r"(thanks?|bye|goodbye|cheers|see you|that s all|that was all|helps)"
NOUN: Final = r"(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?"

SIGNS: Final = (
    ("🚫⛔❌❎✕✖✗✘☒🚷", " no "),
    ("🛑", " stop "),
    ("👍👌", " ok "),
    ("👎✋🤚🖐🙅🖕🔇🔕🤮🤢🤬😡😠💩🗑💔", " not "),
)
"""What says yes or no without a letter."""

SHORT: Final = (
    ("pls plz", "please"),
    ("thx tnx ty", "thanks"),
    ("u", "you"),
    ("ur", "your"),
    ("gimme", "give me"),
    ("lemme", "let me"),
    ("wanna", "want to"),
    ("anymore", "any more"),
    ("im", "i m"),
    ("ive", "i ve"),
    ("whats", "what s"),
    ("wheres", "where s"),
    ("theres", "there s"),
    ("thats", "that s"),
    ("dont", "don t"),
    ("doesnt", "doesn t"),
    ("didnt", "didn t"),
    ("cant", "can t"),
    ("wont", "won t"),
    ("wouldnt", "wouldn t"),
    ("isnt", "isn t"),
    ("wasnt", "wasn t"),
    ("havent", "haven t"),
    ("cupon coupn copon", "coupon"),
    ("cupons coupns copons", "coupons"),
)
"""Words as they are typed in a hurry, and what they stand for."""

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
    (
        "stop",
        r"^(please )?(go away|shut up)( about \w+)?( please)?$|\b(not|don ?t) disturb me\b|"
        r"^(bugger|buzz|clear|sod|piss) off\b|\bmind not (suggest|send|show|offer|recommend|push)",
    ),
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
        r"\b(stop\b(?! (by|off|at(?! once)|smoking|snoring|worrying)\b)|"
        r"quit( (it|that|sending|showing|bugging|bothering|annoying|the|your)\b|$))"
        r"(?!.*\bfrom (expiring|ending|running)\b)",
    ),
    (
        "stop",
        r"^((i said|please|ok(ay)?|well|so|and|but|no|thanks?|thank you|sorry|hi|hello|hey) )*"
        rf"(no|zero) {ADS}"
        r"( (please|thanks?|you|for|me|today|now|any|more|ever|again|at|all|i|said|ok(ay)?|then"
        r"|understood))*$",
    ),
    (
        "stop",
        r"^(?!why\b).*(?<!\bis )(?<!\bare )(?<!\bhave )(?<!\bsee )(?<!\bfind )(?<!\bgot )"
        rf"(?<!\bget )\bno {ADS} (please|thanks|thank you)$",
    ),
    ("stop", rf"^(please )?no more( please)?$|\b(turn|switch) off\b.*\b{ADS}\b"),
    ("stop", rf"\b(turn|switch)( (the|my|your|these|those|all))* {ADS} off\b"),
    ("stop", rf"^(please )?(disable|deactivate|mute|discontinue)( (all|the|my|your|any))* {ADS}$"),
    ("stop", rf"^keep( all)? your {ADS}$|\bno interest in( (any|your|the|more|special))* {ADS}\b"),
    (
        "stop",
        rf"\b(sick|tired|fed up) (of|with)( (all|your|the|these|being))* ({ADS}|advertised)\b|"
        rf"\b(prefer|rather)\b.*\bwithout( (all|any|the|your|this|these))* {ADS}\b",
    ),
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
    (
        "stop",
        rf"\b(had|have) enough (of|with)( (all|your|the|these))* {ADS}\b|"
        rf"^enough( (of|with))?( (all|your|the|these))* {ADS}( already)?$",
    ),
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
        r"( (for|about|any|more|of|my|your|the|these|those|to|get|see|receive|have|hear|be|sent|"
        r"given|mailed|shown|told))* (?!(coupon|voucher|offer|deal|discount|promotion) (on|for)\b)"
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
        r"come|came)|(is|was|are|were) (late|wrong|cold|sour|mou?ldy|filthy|invalid)|"
        r"wrong (item|order|product|price|size)|overcharged|disappointed|unacceptable|"
        r"(days|weeks|hours) late|leaked|mou?ldy|made \w+( \w+)? (sick|ill)|"
        r"(out of|past its) date|where is my (order|parcel|package|delivery)|"
        r"(waited|waiting) (for )?\d+ (minutes|hours|days|weeks)|"
        r"(not|n t|never) (taken off|deducted|delivered|accepted|applied|honou?red))\b",
    ),
    ("why", r"\bwhy\b|\bhow come\b|\breason\b|\bbasis\b|\bbased on\b|\bwhat made you\b"),
    ("why", r"\bhow (do|did) you (know|choose|pick|select|decide|come up)\b"),
    ("why", r"\b(picked|chosen|selected) (for|from|by|because)\b"),
    ("terms", r"\bexpired\b"),
    (
        "terms",
        r"\b(use|redeem) (it|them|this|that|one)( \w+)? (on|for|with|twice|again|more than once)\b|"
        rf"\bcombine\b|\b(does|do|would|will)\b.*\b{NOUN}\b.*\b(apply|count|work)\b|"
        r"\bhow many (days|times)\b|\bthe value of\b|\bhave to (buy|spend)\b",
    ),
    (
        "use",
        r"\bhow (do|can|to|does|should)\b.*\b(use|redeem|redeeming|apply|activate|work)|"
        rf"\bhow (do|can) (i|we) get (the|my) {NOUN}\b|\bto (use|redeem) (it|them|(my|the|this|a|"
        rf"that) {NOUN})\b|\b(can|could|may) (i|we) (still )?(use|redeem|activate) (it|them|this|"
        rf"one|that|these|mine|(my|the|this|a)( \w+)? {NOUN})\b|"
        rf"\b(must|do|should|can)( i( have to)?)? (hand in|present|show|print|scan|bring)"
        rf" (it|them|(my|the|this|a) {NOUN})\b|\bwhere\b.*\b(activate|redeem|enter)\b",
    ),
    ("terms", r"\b(expir\w*|(runs?|ran) out|valid|until|conditions?|terms|minimum|last day)\b"),
    ("terms", r"\b(how (much|long)|what percent\w*|which (products?|items?)|when|up to which)\b"),
    ("terms", r"\b(how big|cover|covers|still (good|work))\b"),
    ("use", r"\b(till|checkout|register|print|scan|code|automatically)\b"),
    ("use", r"\bhow to\b|\bwhere (can|do) i (use|redeem)\b"),
    ("coupons", rf"\b{NOUN}\b"),
    ("coupons", r"\b(save|saving|savings|cheaper|cheap|on sale|money off|anything (for|on|off))\b"),
)
"""Intents and the patterns that speak for them; the first that is found decides."""

WHAT_FOR: Final = (
    r"( (so|very) much| a lot)?"
    rf"( for( (the|your|this|these|all|my|nice|great))* (help|answer|information|tip|{NOUN}))?"
)
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
        r"\b(with|get|get me|to) some ?(one|body)\b|\bwho\b.*\bhelp\b|"
        r"\bwhom?\b.*\b(talk|speak|turn) to\b|\bnot an? (computer|machine|robot|bot)\b|"
        r"\b(change|correct|update|fix)\b.*\bmy( \w+)? (address|name|surname|birthday|number)\b|"
        r"\bmy( \w+)? (address|name|surname|birthday|number)( is)? (wrong|old|incorrect)\b",
    ),
    (
        "forget",
        r"\b(erase|purge|scrub|close|cancel|remove)\b.*\b(everything|data|records?|account)\b|"
        r"\b(data|records?|account|name)\b.*\b(removed|deleted|erased)\b|"
        r"\b(deregister me|right of deletion|my name out)\b|"
        r"(?<!\bi )(?<!\bnot )(?<!\bdon t )(?<!\bnever )\b(forget|erase|wipe|delete|strike|"
        r"remove)\b.*\b(i( ever)? (bought|buy|drink|like|said|told|asked|wrote)|"
        r"(my|our) (purchases?|question|"
        r"words|messages?|profile|records|shopping|history))\b|"
        r"\b(not|don t|never|stop|object to|without)\b.*\b(us(e|ing)|track\w*|sav(e|ing)|stor\w+|"
        r"keep\w*|analy\w+|process\w*|profil\w+|collect\w*|shar(e|ing)|sell\w*)\b.*\b(data|"
        r"history|purchases|information|details|what i (buy|bought))\b|\bprofiling\b|"
        r"\b(get rid of|delet\w+|tak(e|en) (out|down))\b.*\b(info|data|details|history|account)\b|"
        r"\b(details|data|history|purchases)\b.*\b(out of|from) your\b|"
        r"\baccounts?\b.*\bdelet\w+\b|\bdelete (that|what you)\b",
    ),
    (
        "complaint",
        r"\b(owe me|paid too much)\b|\b(did|was)( not|n ?t| n t)\b.*\bdiscounts?\b|"
        rf"\b{NOUN}\b.*\b(wasn t|didn t|wouldn t|not|only) .*\b(taken|deducted|given|accepted|"
        r"applied|work)\b|\b(i|we) paid\b.*\b(but|and|twice)\b|\btook (the|my) money\b",
    ),
)
"""Who names a person, their data or missing money is for the desk, though no rule says so."""

PEOPLE: Final = (
    r"(human|person|people|agent|colleague|staff|support|any ?(one|body)|some ?(one|body))s?"
)
NOBODY: Final = (
    rf"^(?!.*\b(i (want|need) (an?|some|to|your|the|{PEOPLE})\b|get me|give me|bring me|but|"
    r"instead|machine|robot|bot|computer)\b)((no|nope|nah|please|sorry|thanks?|thank you|ok(ay)?|"
    r"well|there( i)?s|just|oh)( ,)? )*"
    r"(((i|we|you)( (m|d|ll|would|could|can|will|do))? )?(no|not|without|don ?t|do not|need not|"
    r"prefer not|rather (you|not)|manage without|leave|keep|skip|spare)\b"
    rf"( (?!(,|is|are|can|ever)\b)\S+){{0,6}} {PEOPLE}|no {PEOPLE}|((an?|the|your|any) )?{PEOPLE} "
    r"((is|are|would|will)( n t| not|n t)?|isn t|won t|need)( be)?( not)?)"
    r"( ?,? (please|thanks?|thank you|you|needed|required|necessary|bother|then|now|in|alone|today|"
    r"(for|about|out of) (that|this|it|me)|just (you|tell me|answer)( me)?|you tell me))*$"
)
"""Who wants no colleague, and says no more than that."""
DECLINES: Final = (
    rf"{NOBODY}|^(?=.*\b(no|nope|nah|not|n t|t|never ?mind|pass|later|rather|i m)\b)(("
    r"no|nope|nah|thanks?|thank you|please|sorry|ok(ay)?|but|so|well|really|oh|hi|hello|i|it s|"
    r"that s|i m (good|fine|ok(ay)?|all right|happy)|ll pass|d rather not|rather not|"
    r"not (now|today|for me|this time|right now|at the moment|yet|necessary|needed|really)|"
    r"maybe (later|another time|next time)|(very )?kind of you|don t ((want|need) (it|one|that|any|"
    r"them)|bother)|do not bother|never ?mind|there (s|is) no need|need( for (that|this|it))?|"
    r"that (won t|will not|wouldn t) be (necessary|needed))( ,)?( |$))+$"
)
"""A plain no, or who wants no colleague: it is taken with thanks."""
POLITE: Final = (
    rf"^(({HELLO}|{THANKS}( you)?{WHAT_FOR}|please|ok(ay)?|well|so|yes|sorry|there|everyone|all|"
    r"team|assistant|any ?(one|body)|again|to you|to all|many|great|perfect|nice|fine|how are you|"
    r"i needed|i wanted|that|this|is all|helped( a lot)?|was( very)? (helpful|kind|nice)|mate|and|"
    r"have an?( very)? (nice|good|lovely) (day|evening|weekend))[ ,?]*)*$"
)
"""A courtesy, whole. No two ways to read a word of it: they double with each word."""
AGREES: Final = (
    rf"^((oh|ok(ay)?|well|right|great|please|no problem|{HELLO}|thanks?|thank you) )*("
    r"(yes|yeah|yep|yup|aye)\b(?! (right|no|i can\b(?! ?not| t)|i know|i see|another|and)\b)|"
    r"(sure|gladly|certainly|definitely|absolutely|of course|by all means|go ahead|bring (one|him|"
    r"her|in a colleague)|(you )?do (it|that|so)|let s do (it|that)|good idea|do|"
    r"(ask|tell) (them|him|her|about))"
    r"( (please|thanks?|thank you|why not|ask|tell|bring|do|go|that|it|why)\b|$)|"
    r"(ok(ay)?|fine)(( (then|please|sure|great|good))*$| (then |please )*(ask|tell|bring|do|go)\b)|"
    r"((that )?would (be (\w+ )?(great|nice|good|lovely|kind|helpful|perfect|fine|wonderful)|help)|"
    r"i( would| d)( (like|love|appreciate) (that|it|one))?|why not|exactly|if you (could|would))"
    r"( please| thanks?| thank you)*$)"
)
"""A yes to the one thing that the assistant asks: "Shall I bring in a colleague?"."""
WAVERS: Final = (
    r"\b(but|nah|nope|(?<!why )not|bye|goodbye|later|tomorrow|maybe|myself|yourself|waste|enough|"
    r"forget it|that s all|i ll (ask|check|look|go|come|try)|i m (good|fine|ok)|no thanks?|"
    r"no thank you|(don t|do not) (bring|need|want|bother))\b"
)
"""What takes back a yes."""
GLAD: Final = rf"\b({THANKS}|ok(ay)?|great|perfect|nice|fine|helped|helpful)\b"
"""A courtesy that is more than a greeting."""
