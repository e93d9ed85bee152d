"""How coupons are asked for, asked about and refused, as patterns that the page reads, too."""

from typing import Final

from coupon_rec.assistant.phrases import ADS, HELLO, NOUN, PLACES

CONCERNS: Final = (
    rf"\b({NOUN}|thing|the code|redeem\w*|activate|expir\w*|valid|good for|off|sav(e|ing)|spend|"
    r"cover\w*|cho[os]\w*|pick\w*|select\w*|recommend\w*|suggest\w*|based|"
    r"use (it|them|this|that|these|one)|why (me|this|these|those)|why not (another|others?)|"
    r"sent (it|this|these)|do i (have|need) to (do|show|print|scan|say))\b|"
    r"\b(get|got|have) (this|these|those|it|them)( \?)?$|"
    r"^((what|is|are|s|there|the|an?|any|tell|me|about) )*"
    r"(conditions?|terms|minimum|last day|percent\w*)( (and|conditions?|or|terms))*( \?)?$"
)
"""What a question says that is about coupons, whatever was said before."""
BUT: Final = (
    r"\b(but|except|besides|other than|apart from)( the)? thing\b|"
    rf"\b(others?|only) {NOUN}\b(?! (for|on|off) )"
)
"""What takes a product out of the question."""
OTHER_THINGS: Final = (
    r"\b(orders?|deliver\w*|cards?|points?|account|parcel|package|membership|subscription|warranty|"
    r"receipt|appointment|slot|password|sale|refund|shift|job)\b"
)
"""What a question is about instead, unless it names a coupon, too."""
MAY_CONCERN: Final = (
    r"\b(ones?|it|they|them|mine|(this|that|these|those)"
    r"(?! (shop|store|app|place|order|weekend|week|month|year)\b))\b|"
    r"^((so|and|ok(ay)?|but|then|please|just|exactly|tell|me|what|where|is|are|s|there|an?|any|the|"
    rf"about|us|know|can|could|would|you|{HELLO}|thanks?) |, )*"
    r"(how( (much|long|big|many|come|to))?|until when|when|why|which|last day|code|basis|reasons?)"
    r"( (me|and|or|the|products?|items?|brands?|days?|amount|purchase|left|not|another|others?|"
    r"come|so|though|do i (get|have to|save)|can i get|did you know|to use|exactly|please|then|now|"
    r",))*( \?)?$"
)
"""What may be about coupons that were just shown: "when does it end?", or no more than "when?"."""

FIRST: Final = (
    r"^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|"
    r"good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*"
)
WHETHER: Final = r"\b(glad|grateful|nice|great|wonder\w*|ask|know|see|check|tell me) (if|whether)"
START: Final = rf"({FIRST}|, |{WHETHER} )"
OUR: Final = (
    r"((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|"
    rf"there|new|good|better|best|current|weekly|personal|{'|'.join(PLACES)}) )*"
)
COUPONS: Final = (
    rf"{OUR}((?!(off|out|over|from|to|rid|with|sans|beyond|after|before|against|you) )\w+ ){{0,2}}"
    rf"{NOUN}(?= |$)"
)
END: Final = (
    r"(?=( (please|too|now|today|yet|left|here|again|available|that|which|for|on|off|with|i|at the "
    r"moment|right now|this (week|month)|in (my|the) (app|account|list|mail))\b.*)?"
    r"( [,?].*)?$)"
)
PRAISE: Final = (
    r"(?!.*\b(thanks?|thank you|cheers)( so much| very much| a lot)? for\b)"
    r"(?!((ok(ay)?|yes|no|thanks?|thank you|great|fine|well|good|your|it s|"
    r"that s|what is|what s|an?|another|some|what|big|,) )*"
    r"(deal|bargain|offer)( then)?( ,)?( thanks?)?$)"
)
"""Thanks for coupons ask for none, and "good deal" says yes to something."""

BARE: Final = (
    rf"{PRAISE}(?!.*\bwhat an?\b){FIRST}{OUR}(thing )?{NOUN}( (for|on|of)( \w+){{1,4}})?"
    r"(?=( ,)?( (please|now|today|then|thanks?|thank you))*"
    r"( \?|$| , (please|any|what|which|do)\b))"
)
"""A request that is no more than "coupons": it counts where nothing but courtesies stand beside."""
WONDERS: Final = (
    rf"{FIRST}(((do|can|have) (you|i)( still)?( (have|sell|stock|carry|get|buy))?|got|"
    r"(are|is) there|where (is|are|do i find|can i find)|how much (is|are)|(what|how) about|"
    r"i( m| am)? (need|want|"
    r"buy|look|looking)( for)?|is|are) )?((any|some|the|your|good|fresh|more|and) )*thing"
    r"( (in stock|left|today|here|please|there))?( \?)?$"
)
"""A plain question for a product."""
BRIEF: Final = (
    rf"^(?!.*(\d|,.* (and|my|i|the)\b))(?=.*\b({NOUN}|ones?|why (me|this|these)|(it|they|thing) "
    r"(still )?(valid|expires?|good)|(use|redeem|off|until) (it|them|thing))\b)\S+( \S+){0,8}$"
)
"""A short sentence about coupons, in which nothing else can stand."""
ASKS: Final = (
    rf"{START}any {COUPONS}{END}",
    rf"{START}(which|how many) ((is|are|s) )?{COUPONS}",
    rf"{START}what(?! (an?|your|my)\b) ((is|are|s) )?{OUR}{NOUN}(?= |$)",
    rf"{START}what(?! (an?|your|my)\b) {COUPONS}.* \?$",
    rf"{START}(show|list|see|find|view|check)( me| us)? {COUPONS}{END}",
    rf"{START}(give|tell|remind|send|get|bring|offer) (me|us) {COUPONS}{END}",
    rf"({START}(do|did|does|can|could|may|will|would|have)|{WHETHER}) (i|you|we)"
    r"( (also|still|please|could|can|have))* "
    rf"(have|get|got|see|find|use|do|offer|show me|give me|tell me|know) {COUPONS}{END}",
    rf"{START}(do|can|will|would) (i|we) (get|have|save) (any|some) (money|thing) off\b",
    rf"{START}(what|which|any) savings\b|\bwhether there are {COUPONS}{END}",
    rf"{START}(want|need|looking for) {COUPONS}{END}",
    rf"{START}(got|have you|is there|are there) {COUPONS}{END}|{START}(is|are) (the|my) {COUPONS}",
    rf"{START}(where (is|are)|(where|how)( \w+){{1,3}} (find|see|get)) {COUPONS}{END}",
    rf"{START}i( (d|would|m|am|just|really|still))* (want|need|(d|would) (like|love)|wish|look|"
    rf"looking|ask|asking)( (for|to (have|get|see|find|use|know)))* {COUPONS}{END}",
    rf"{START}(what|where|how|can|i)( \w+){{0,3}} save\b(?! me)",
    r"\b(any|some)thing( (with|\w+))?( money)? (cheaper|cheap|for|on|off)\b",
    rf"{START}(is|are|what|which)\b.*\b(on (offer|sale|special)|cheaper)\b",
    rf"{START}(how long|until when|when|is|are|does)\b.*\b({NOUN}|one)\b.*"
    r"\b(valid|(?<!for )good|expires?)\b",
    rf"{START}until when\b.*\b{NOUN}\b",
)
"""How a customer asks for coupons in so many words."""
AGAIN: Final = (
    r"^(?!((and|of|about|all|every|each|single|these|those|your|also|even|both|including|the|such|"
    rf"other|in|just|only|plus|but) )+(thing )?{NOUN}( (for|on|of)( \w+){{1,3}})?"
    r"(( ,)? (too|as well|also|ever|please))?( \?)?$)"
    rf"{PRAISE}(?!.*\bwhat( is| s| are)? an?\b){FIRST}"
    r"(((show|list|see|view|give|tell|send|get)( me| us)?|(do|have|can|could|may) (i|you)"
    r"( still)?( (have|see|get|use|show me))?|got|(are|is) there|where (do|can) i (find|see)|"
    r"where are|(what|which)( are| is| s)?|i (want|need)( to see)?|i( d| would) like"
    rf"( to (see|know|have))?) )?({OUR}(thing )?{NOUN}|what s on offer)"
    r"( (for|on|in)( (my|the|\w+ food))?( \w+)?| off thing)?( i have| do i have| , what do i have)?"
    r"(( ,)? (please|now|today|this week|at the moment|then|again|thanks?|thank you))*( \?)?$|"
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
