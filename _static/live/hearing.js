/* The rules, sayings and chances of coupon_rec.assistant, in the same order: chapter 25. */
"use strict";

const hearing = (() => {
  const PRODUCTS = ["coffee", "oat milk", "dog food", "shampoo", "bananas"];
  // Written by tools/page_rules.py:
  const SIGNS = [
    ["🚫⛔❌❎✕✖✗✘☒🚷", " no "],
    ["🛑", " stop "],
    ["👍👌", " ok "],
    ["👎✋🤚🖐🙅🖕🔇🔕🤮🤢🤬😡😠💩🗑💔", " not "],
  ];
  const SHORT = [
    ["pls plz", "please"],
    ["thx tnx ty", "thanks"],
    ["u", "you"],
    ["ur", "your"],
    ["gimme", "give me"],
    ["lemme", "let me"],
    ["wanna", "want to"],
    ["anymore", "any more"],
    ["im", "i m"],
    ["ive", "i ve"],
    ["whats", "what s"],
    ["wheres", "where s"],
    ["theres", "there s"],
    ["thats", "that s"],
    ["dont", "don t"],
    ["doesnt", "doesn t"],
    ["didnt", "didn t"],
    ["cant", "can t"],
    ["wont", "won t"],
    ["wouldnt", "wouldn t"],
    ["isnt", "isn t"],
    ["wasnt", "wasn t"],
    ["havent", "haven t"],
    ["cupon coupn copon", "coupon"],
    ["cupons coupns copons", "coupons"],
  ];
  const AGREES = "^((oh|ok(ay)?|well|right|great|please|no problem|(hi|hiya|hello|hey|greetings|good (morning|afternoon|evening|day))|thanks?|thank you) )*((yes|yeah|yep|yup|aye)\\b(?! (right|no|i can\\b(?! ?not| t)|i know|i see|another|and)\\b)|(sure|gladly|certainly|definitely|absolutely|of course|by all means|go ahead|bring (one|him|her|in a colleague)|(you )?do (it|that|so)|let s do (it|that)|good idea|do|(ask|tell) (them|him|her|about))( (please|thanks?|thank you|why not|ask|tell|bring|do|go|that|it|why)\\b|$)|(ok(ay)?|fine)(( (then|please|sure|great|good))*$| (then |please )*(ask|tell|bring|do|go)\\b)|((that )?would (be (\\w+ )?(great|nice|good|lovely|kind|helpful|perfect|fine|wonderful)|help)|i( would| d)( (like|love|appreciate) (that|it|one))?|why not|exactly|if you (could|would))( please| thanks?| thank you)*$)";
  const WAVERS = "\\b(but|nah|nope|(?<!why )not|bye|goodbye|later|tomorrow|maybe|myself|yourself|waste|enough|forget it|that s all|i ll (ask|check|look|go|come|try)|i m (good|fine|ok)|no thanks?|no thank you|(don t|do not) (bring|need|want|bother))\\b";
  const HELLO = "(hi|hiya|hello|hey|greetings|good (morning|afternoon|evening|day))";
  const GLAD = "\\b((thanks?|bye|goodbye|cheers|see you|that s all|that was all|helps)|ok(ay)?|great|perfect|nice|fine|helped|helpful)\\b";
  const DECLINES = "^(?!.*\\b(i (want|need) (an?|some|to|your|the|(human|person|people|agent|colleague|staff|support|any ?(one|body)|some ?(one|body))s?)\\b|get me|give me|bring me|but|instead|machine|robot|bot|computer)\\b)((no|nope|nah|please|sorry|thanks?|thank you|ok(ay)?|well|there( i)?s|just|oh)( ,)? )*(((i|we|you)( (m|d|ll|would|could|can|will|do))? )?(no|not|without|don ?t|do not|need not|prefer not|rather (you|not)|manage without|leave|keep|skip|spare)\\b( (?!(,|is|are|can|ever)\\b)\\S+){0,6} (human|person|people|agent|colleague|staff|support|any ?(one|body)|some ?(one|body))s?|no (human|person|people|agent|colleague|staff|support|any ?(one|body)|some ?(one|body))s?|((an?|the|your|any) )?(human|person|people|agent|colleague|staff|support|any ?(one|body)|some ?(one|body))s? ((is|are|would|will)( n t| not|n t)?|isn t|won t|need)( be)?( not)?)( ?,? (please|thanks?|thank you|you|needed|required|necessary|bother|then|now|in|alone|today|(for|about|out of) (that|this|it|me)|just (you|tell me|answer)( me)?|you tell me))*$|^(?=.*\\b(no|nope|nah|not|n t|t|never ?mind|pass|later|rather|i m)\\b)((no|nope|nah|thanks?|thank you|please|sorry|ok(ay)?|but|so|well|really|oh|hi|hello|i|it s|that s|i m (good|fine|ok(ay)?|all right|happy)|ll pass|d rather not|rather not|not (now|today|for me|this time|right now|at the moment|yet|necessary|needed|really)|maybe (later|another time|next time)|(very )?kind of you|don t ((want|need) (it|one|that|any|them)|bother)|do not bother|never ?mind|there (s|is) no need|need( for (that|this|it))?|that (won t|will not|wouldn t) be (necessary|needed))( ,)?( |$))+$";
  const RULES = [
    ["person", "(?<!\\bper )(?<!\\beach )(?<!\\bevery )(?<!\\bone )(?<!\\bcleaning )\\b(human|person|agent|manager|supervisor|employee|colleague|operator|representative)s?\\b"],
    ["person", "\\b(talk|speak|chat)\\b.*\\b(some ?(one|body)|staff|support)\\b"],
    ["person", "\\b(talk|speak|chat) (to|with) (your|the|an?|any ?one|any ?body)\\b"],
    ["person", "\\b(can|could|will) (some|any) ?(one|body)\\b.*\\bhelp\\b|\\bescalate\\b"],
    ["person", "\\b(call|ring|phone) me( (back|about|on|at|please|now|today|tomorrow)\\b|$)"],
    ["person", "\\b(customer service|transfer me|put me (through|in touch)|connect me|call you)\\b"],
    ["forget", "\\b(delete|erase|wipe|remove|destroy|deletion)\\b( \\w+){0,4} (me|data|information|history|account|profile|records?|name|details)\\b|\\b(delete|erase|wipe|destroy)( all( of)?)? my\\b|\\b(erase|delete) everything\\b|\\berasure\\b"],
    ["forget", "\\b(clear|get rid of)( all)?( (my|the)( \\w+)?)? (data|history|account|profile)\\b"],
    ["forget", "\\b(clear|get rid of)\\b.*\\b(stored|have|know)\\b.*\\b(on|about) me\\b"],
    ["forget", "(?<!\\bi )(?<!\\bdon t )(?<!\\bnot )(?<!\\bnever )(?<!\\bnot to )(?<!\\bt want to )\\bforget( (all|about|what))* (me|everything|you know|my (data|name|account))\\b|\\bbe forgotten\\b"],
    ["stop", "\\b(un ?subscribe|unsubscribing|opt(ing)?( \\w+)? out|leave me (alone|in peace|be))\\b"],
    ["stop", "^(please )?(go away|shut up)( about \\w+)?( please)?$|\\b(not|don ?t) disturb me\\b|^(bugger|buzz|clear|sod|piss) off\\b|\\bmind not (suggest|send|show|offer|recommend|push)"],
    ["stop", "\\boff (the|your)( \\w+)? list\\b"],
    ["stop", "\\b(not|no longer) interested( (thanks?|thank you|any ?more|at all|ever|please|in (it|this|that|these|them|(any |your |the |more |all )*(offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?))))*$"],
    ["stop", "^(?!(when|how long|does|do|did|will)\\b.*\\b(offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)( ever)? stop\\b).*(?<!\\bnot )(?<!\\bdon t )(?<!\\bnever )(?<!\\bt want to )(?<!\\bdo you )(?<!\\bdid you )(?<!\\bbus )(?<!\\btram )(?<!\\btruck )(?<!\\bpit )(?<!\\bdoor )(?<!\\bnext )\\b(stop\\b(?! (by|off|at(?! once)|smoking|snoring|worrying)\\b)|quit( (it|that|sending|showing|bugging|bothering|annoying|the|your)\\b|$))(?!.*\\bfrom (expiring|ending|running)\\b)"],
    ["stop", "^((i said|please|ok(ay)?|well|so|and|but|no|thanks?|thank you|sorry|hi|hello|hey) )*(no|zero) (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)( (please|thanks?|you|for|me|today|now|any|more|ever|again|at|all|i|said|ok(ay)?|then|understood))*$"],
    ["stop", "^(?!why\\b).*(?<!\\bis )(?<!\\bare )(?<!\\bhave )(?<!\\bsee )(?<!\\bfind )(?<!\\bgot )(?<!\\bget )\\bno (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?) (please|thanks|thank you)$"],
    ["stop", "^(please )?no more( please)?$|\\b(turn|switch) off\\b.*\\b(offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)\\b"],
    ["stop", "\\b(turn|switch)( (the|my|your|these|those|all))* (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?) off\\b"],
    ["stop", "^(please )?(disable|deactivate|mute|discontinue)( (all|the|my|your|any))* (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)$"],
    ["stop", "^keep( all)? your (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)$|\\bno interest in( (any|your|the|more|special))* (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)\\b"],
    ["stop", "\\b(sick|tired|fed up) (of|with)( (all|your|the|these|being))* ((offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)|advertised)\\b|\\b(prefer|rather)\\b.*\\bwithout( (all|any|the|your|this|these))* (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)\\b"],
    ["stop", "^(?!(why|is|are|was|were|does|did|have|has)\\b|do (i|you|we)\\b|there (is|are)\\b).*(?<!\\bhave )(?<!\\bsee )(?<!\\bfind )(?<!\\bgot )\\b(no more|no further|never again|(want|need|wish|prefer|rather)( \\w+)? no)( (of|your|the|these|any|such))* (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)\\b"],
    ["stop", "\\b(i d|would) like( to (get|have|receive))? no( more| further)? (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)\\b"],
    ["stop", "\\b(prefer|rather|like|wish|ask|want) not to (get|receive|have|see|be (sent|shown))( (any|more|your|the))* (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)\\b"],
    ["stop", "\\b(had|have) enough (of|with)( (all|your|the|these))* (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)\\b|^enough( (of|with))?( (all|your|the|these))* (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)( already)?$"],
    ["stop", "\\bi (refuse|object to)( (all|any|your))+ (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)\\b|\\bi object to marketing\\b"],
    ["stop", "\\b(withdraw|revoke)( my)? consent\\b|^(please )?cease\\b"],
    ["stop", "\\b(want|ask(ed)? for)( (all|your|the|my|these))* (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)( to be)? stopped\\b"],
    ["stop", "\\bcancel( (all|any|my|the|your|these|marketing))* (newsletters?|mailings?|e ?mails?)\\b"],
    ["stop", "\\bcancel (all|any) (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)\\b"],
    ["stop", "(?<!\\bif i )\\b(not|don ?t|never|no longer)( (ever|really))* (want|need|wish|care|like)( (for|about|any|more|of|my|your|the|these|those|to|get|see|receive|have|hear|be|sent|given|mailed|shown|told))* (?!(coupon|voucher|offer|deal|discount|promotion) (on|for)\\b)(offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)\\b(?!.*\\b(others?|instead)\\b)"],
    ["stop", "^((please|ok(ay)?|and|so|but|just|thanks?|thank you|hi|hello|hey) )*(do not|don ?t|never)( (ever|please))* (give|mail|text|message|spam|deliver|tell|mention)( (me|us|with|about|of|any|more|your|the|these))* (offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)( (please|any|more|ever|again|at|all|now|today|thanks?|you))*$"],
    ["stop", "((?<!\\bwhy )(?<!\\bi )(?<!\\byou )(?<!\\bwe )(?<!\\bthey )\\b(do not|don ?t|never)|\\bnot to|\\b(must|should|shall) not|\\b(not|don ?t|never|no longer) (want|wish)( you)? to( be)?)( (ever|really|please|be))* (send\\w*|sent|show\\w*|recommend\\w*|offer\\w*|contact\\w*|e ?mail\\w*|bother(?! you)\\w*|write)\\b"],
    ["complaint", "^(?!(is|are|was|does|will) (\\w+ ){0,8}(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?\\b).*\\b(refund|money back|broken|spoiled|rotten|stale|complain|complaint|damaged|rude|unhappy|angry|terrible|ridiculous|awful|charged|missing|refused|(never|not|didn ?t|did not|doesn ?t|does not) (arrived?|work|come|came)|(is|was|are|were) (late|wrong|cold|sour|mou?ldy|filthy|invalid)|wrong (item|order|product|price|size)|overcharged|disappointed|unacceptable|(days|weeks|hours) late|leaked|mou?ldy|made \\w+( \\w+)? (sick|ill)|(out of|past its) date|where is my (order|parcel|package|delivery)|(waited|waiting) (for )?\\d+ (minutes|hours|days|weeks)|(not|n t|never) (taken off|deducted|delivered|accepted|applied|honou?red))\\b"],
    ["why", "\\bwhy\\b|\\bhow come\\b|\\breason\\b|\\bbasis\\b|\\bbased on\\b|\\bwhat made you\\b"],
    ["why", "\\bhow (do|did) you (know|choose|pick|select|decide|come up)\\b"],
    ["why", "\\b(picked|chosen|selected) (for|from|by|because)\\b"],
    ["terms", "\\bexpired\\b"],
    ["terms", "\\b(use|redeem) (it|them|this|that|one)( \\w+)? (on|for|with|twice|again|more than once)\\b|\\bcombine\\b|\\b(does|do|would|will)\\b.*\\b(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?\\b.*\\b(apply|count|work)\\b|\\bhow many (days|times)\\b|\\bthe value of\\b|\\bhave to (buy|spend)\\b"],
    ["use", "\\bhow (do|can|to|does|should)\\b.*\\b(use|redeem|redeeming|apply|activate|work)|\\bhow (do|can) (i|we) get (the|my) (coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?\\b|\\bto (use|redeem) (it|them|(my|the|this|a|that) (coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?)\\b|\\b(can|could|may) (i|we) (still )?(use|redeem|activate) (it|them|this|one|that|these|mine|(my|the|this|a)( \\w+)? (coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?)\\b|\\b(must|do|should|can)( i( have to)?)? (hand in|present|show|print|scan|bring) (it|them|(my|the|this|a) (coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?)\\b|\\bwhere\\b.*\\b(activate|redeem|enter)\\b"],
    ["terms", "\\b(expir\\w*|(runs?|ran) out|valid|until|conditions?|terms|minimum|last day)\\b"],
    ["terms", "\\b(how (much|long)|what percent\\w*|which (products?|items?)|when|up to which)\\b"],
    ["terms", "\\b(how big|cover|covers|still (good|work))\\b"],
    ["use", "\\b(till|checkout|register|print|scan|code|automatically)\\b"],
    ["use", "\\bhow to\\b|\\bwhere (can|do) i (use|redeem)\\b"],
    ["coupons", "\\b(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?\\b"],
    ["coupons", "\\b(save|saving|savings|cheaper|cheap|on sale|money off|anything (for|on|off))\\b"],
  ];
  const DESK = [
    ["person", "\\b(support|staff|(a|the|your) team|boss|owner|clerk|cashier|help ?desk|hotline)\\b(?! ((coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?|see|scan|check|take|accept|need|have to)\\b)|\\b(live chat|phone number|by phone|real one|give me a (call|ring))\\b|\\b(can|may|could) i (call|phone|ring)\\b|\\b(call|phone|ring) (you|some ?(one|body))\\b|\\b(some|any) ?(one|body)\\b.*\\b(help|look|real|discuss|explain|contact)\\b|\\b(with|get|get me|to) some ?(one|body)\\b|\\bwho\\b.*\\bhelp\\b|\\bwhom?\\b.*\\b(talk|speak|turn) to\\b|\\bnot an? (computer|machine|robot|bot)\\b|\\b(change|correct|update|fix)\\b.*\\bmy( \\w+)? (address|name|surname|birthday|number)\\b|\\bmy( \\w+)? (address|name|surname|birthday|number)( is)? (wrong|old|incorrect)\\b"],
    ["forget", "\\b(erase|purge|scrub|close|cancel|remove)\\b.*\\b(everything|data|records?|account)\\b|\\b(data|records?|account|name)\\b.*\\b(removed|deleted|erased)\\b|\\b(deregister me|right of deletion|my name out)\\b|(?<!\\bi )(?<!\\bnot )(?<!\\bdon t )(?<!\\bnever )\\b(forget|erase|wipe|delete|strike|remove)\\b.*\\b(i( ever)? (bought|buy|drink|like|said|told|asked|wrote)|(my|our) (purchases?|question|words|messages?|profile|records|shopping|history))\\b|\\b(not|don t|never|stop|object to|without)\\b.*\\b(us(e|ing)|track\\w*|sav(e|ing)|stor\\w+|keep\\w*|analy\\w+|process\\w*|profil\\w+|collect\\w*|shar(e|ing)|sell\\w*)\\b.*\\b(data|history|purchases|information|details|what i (buy|bought))\\b|\\bprofiling\\b|\\b(get rid of|delet\\w+|tak(e|en) (out|down))\\b.*\\b(info|data|details|history|account)\\b|\\b(details|data|history|purchases)\\b.*\\b(out of|from) your\\b|\\baccounts?\\b.*\\bdelet\\w+\\b|\\bdelete (that|what you)\\b"],
    ["complaint", "\\b(owe me|paid too much)\\b|\\b(did|was)( not|n ?t| n t)\\b.*\\bdiscounts?\\b|\\b(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?\\b.*\\b(wasn t|didn t|wouldn t|not|only) .*\\b(taken|deducted|given|accepted|applied|work)\\b|\\b(i|we) paid\\b.*\\b(but|and|twice)\\b|\\btook (the|my) money\\b"],
  ];
  const POLITE = "^(((hi|hiya|hello|hey|greetings|good (morning|afternoon|evening|day))|(thanks?|bye|goodbye|cheers|see you|that s all|that was all|helps)( you)?( (so|very) much| a lot)?( for( (the|your|this|these|all|my|nice|great))* (help|answer|information|tip|(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?))?|please|ok(ay)?|well|so|yes|sorry|there|everyone|all|team|assistant|any ?(one|body)|again|to you|to all|many|great|perfect|nice|fine|how are you|i needed|i wanted|that|this|is all|helped( a lot)?|was( very)? (helpful|kind|nice)|mate|and|have an?( very)? (nice|good|lovely) (day|evening|weekend))[ ,?]*)*$";
  const WONDERS = "^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*(((do|can|have) (you|i)( still)?( (have|sell|stock|carry|get|buy))?|got|(are|is) there|where (is|are|do i find|can i find)|how much (is|are)|(what|how) about|i( m| am)? (need|want|buy|look|looking)( for)?|is|are) )?((any|some|the|your|good|fresh|more|and) )*thing( (in stock|left|today|here|please|there))?( \\?)?$";
  const CONCERNS = "\\b((coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?|thing|the code|redeem\\w*|activate|expir\\w*|valid|good for|off|sav(e|ing)|spend|cover\\w*|cho[os]\\w*|pick\\w*|select\\w*|recommend\\w*|suggest\\w*|based|use (it|them|this|that|these|one)|why (me|this|these|those)|why not (another|others?)|sent (it|this|these)|do i (have|need) to (do|show|print|scan|say))\\b|\\b(get|got|have) (this|these|those|it|them)( \\?)?$|^((what|is|are|s|there|the|an?|any|tell|me|about) )*(conditions?|terms|minimum|last day|percent\\w*)( (and|conditions?|or|terms))*( \\?)?$";
  const MAY_CONCERN = "\\b(ones?|it|they|them|mine|(this|that|these|those)(?! (shop|store|app|place|order|weekend|week|month|year)\\b))\\b|^((so|and|ok(ay)?|but|then|please|just|exactly|tell|me|what|where|is|are|s|there|an?|any|the|about|us|know|can|could|would|you|(hi|hiya|hello|hey|greetings|good (morning|afternoon|evening|day))|thanks?) |, )*(how( (much|long|big|many|come|to))?|until when|when|why|which|last day|code|basis|reasons?)( (me|and|or|the|products?|items?|brands?|days?|amount|purchase|left|not|another|others?|come|so|though|do i (get|have to|save)|can i get|did you know|to use|exactly|please|then|now|,))*( \\?)?$";
  const OTHER_THINGS = "\\b(orders?|deliver\\w*|cards?|points?|account|parcel|package|membership|subscription|warranty|receipt|appointment|slot|password|sale|refund|shift|job)\\b";
  const NOUN = "(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?";
  const BUT = "\\b(but|except|besides|other than|apart from)( the)? thing\\b|\\b(others?|only) (coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?\\b(?! (for|on|off) )";
  const ASKS = [
    "(^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*|, |\\b(glad|grateful|nice|great|wonder\\w*|ask|know|see|check|tell me) (if|whether) )any ((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*((?!(off|out|over|from|to|rid|with|sans|beyond|after|before|against|you) )\\w+ ){0,2}(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?(?= |$)(?=( (please|too|now|today|yet|left|here|again|available|that|which|for|on|off|with|i|at the moment|right now|this (week|month)|in (my|the) (app|account|list|mail))\\b.*)?( [,?].*)?$)",
    "(^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*|, |\\b(glad|grateful|nice|great|wonder\\w*|ask|know|see|check|tell me) (if|whether) )(which|how many) ((is|are|s) )?((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*((?!(off|out|over|from|to|rid|with|sans|beyond|after|before|against|you) )\\w+ ){0,2}(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?(?= |$)",
    "(^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*|, |\\b(glad|grateful|nice|great|wonder\\w*|ask|know|see|check|tell me) (if|whether) )what(?! (an?|your|my)\\b) ((is|are|s) )?((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?(?= |$)",
    "(^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*|, |\\b(glad|grateful|nice|great|wonder\\w*|ask|know|see|check|tell me) (if|whether) )what(?! (an?|your|my)\\b) ((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*((?!(off|out|over|from|to|rid|with|sans|beyond|after|before|against|you) )\\w+ ){0,2}(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?(?= |$).* \\?$",
    "(^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*|, |\\b(glad|grateful|nice|great|wonder\\w*|ask|know|see|check|tell me) (if|whether) )(show|list|see|find|view|check)( me| us)? ((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*((?!(off|out|over|from|to|rid|with|sans|beyond|after|before|against|you) )\\w+ ){0,2}(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?(?= |$)(?=( (please|too|now|today|yet|left|here|again|available|that|which|for|on|off|with|i|at the moment|right now|this (week|month)|in (my|the) (app|account|list|mail))\\b.*)?( [,?].*)?$)",
    "(^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*|, |\\b(glad|grateful|nice|great|wonder\\w*|ask|know|see|check|tell me) (if|whether) )(give|tell|remind|send|get|bring|offer) (me|us) ((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*((?!(off|out|over|from|to|rid|with|sans|beyond|after|before|against|you) )\\w+ ){0,2}(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?(?= |$)(?=( (please|too|now|today|yet|left|here|again|available|that|which|for|on|off|with|i|at the moment|right now|this (week|month)|in (my|the) (app|account|list|mail))\\b.*)?( [,?].*)?$)",
    "((^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*|, |\\b(glad|grateful|nice|great|wonder\\w*|ask|know|see|check|tell me) (if|whether) )(do|did|does|can|could|may|will|would|have)|\\b(glad|grateful|nice|great|wonder\\w*|ask|know|see|check|tell me) (if|whether)) (i|you|we)( (also|still|please|could|can|have))* (have|get|got|see|find|use|do|offer|show me|give me|tell me|know) ((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*((?!(off|out|over|from|to|rid|with|sans|beyond|after|before|against|you) )\\w+ ){0,2}(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?(?= |$)(?=( (please|too|now|today|yet|left|here|again|available|that|which|for|on|off|with|i|at the moment|right now|this (week|month)|in (my|the) (app|account|list|mail))\\b.*)?( [,?].*)?$)",
    "(^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*|, |\\b(glad|grateful|nice|great|wonder\\w*|ask|know|see|check|tell me) (if|whether) )(do|can|will|would) (i|we) (get|have|save) (any|some) (money|thing) off\\b",
    "(^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*|, |\\b(glad|grateful|nice|great|wonder\\w*|ask|know|see|check|tell me) (if|whether) )(what|which|any) savings\\b|\\bwhether there are ((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*((?!(off|out|over|from|to|rid|with|sans|beyond|after|before|against|you) )\\w+ ){0,2}(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?(?= |$)(?=( (please|too|now|today|yet|left|here|again|available|that|which|for|on|off|with|i|at the moment|right now|this (week|month)|in (my|the) (app|account|list|mail))\\b.*)?( [,?].*)?$)",
    "(^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*|, |\\b(glad|grateful|nice|great|wonder\\w*|ask|know|see|check|tell me) (if|whether) )(want|need|looking for) ((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*((?!(off|out|over|from|to|rid|with|sans|beyond|after|before|against|you) )\\w+ ){0,2}(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?(?= |$)(?=( (please|too|now|today|yet|left|here|again|available|that|which|for|on|off|with|i|at the moment|right now|this (week|month)|in (my|the) (app|account|list|mail))\\b.*)?( [,?].*)?$)",
    "(^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*|, |\\b(glad|grateful|nice|great|wonder\\w*|ask|know|see|check|tell me) (if|whether) )(got|have you|is there|are there) ((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*((?!(off|out|over|from|to|rid|with|sans|beyond|after|before|against|you) )\\w+ ){0,2}(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?(?= |$)(?=( (please|too|now|today|yet|left|here|again|available|that|which|for|on|off|with|i|at the moment|right now|this (week|month)|in (my|the) (app|account|list|mail))\\b.*)?( [,?].*)?$)|(^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*|, |\\b(glad|grateful|nice|great|wonder\\w*|ask|know|see|check|tell me) (if|whether) )(is|are) (the|my) ((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*((?!(off|out|over|from|to|rid|with|sans|beyond|after|before|against|you) )\\w+ ){0,2}(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?(?= |$)",
    "(^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*|, |\\b(glad|grateful|nice|great|wonder\\w*|ask|know|see|check|tell me) (if|whether) )(where (is|are)|(where|how)( \\w+){1,3} (find|see|get)) ((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*((?!(off|out|over|from|to|rid|with|sans|beyond|after|before|against|you) )\\w+ ){0,2}(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?(?= |$)(?=( (please|too|now|today|yet|left|here|again|available|that|which|for|on|off|with|i|at the moment|right now|this (week|month)|in (my|the) (app|account|list|mail))\\b.*)?( [,?].*)?$)",
    "(^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*|, |\\b(glad|grateful|nice|great|wonder\\w*|ask|know|see|check|tell me) (if|whether) )i( (d|would|m|am|just|really|still))* (want|need|(d|would) (like|love)|wish|look|looking|ask|asking)( (for|to (have|get|see|find|use|know)))* ((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*((?!(off|out|over|from|to|rid|with|sans|beyond|after|before|against|you) )\\w+ ){0,2}(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?(?= |$)(?=( (please|too|now|today|yet|left|here|again|available|that|which|for|on|off|with|i|at the moment|right now|this (week|month)|in (my|the) (app|account|list|mail))\\b.*)?( [,?].*)?$)",
    "(^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*|, |\\b(glad|grateful|nice|great|wonder\\w*|ask|know|see|check|tell me) (if|whether) )(what|where|how|can|i)( \\w+){0,3} save\\b(?! me)",
    "\\b(any|some)thing( (with|\\w+))?( money)? (cheaper|cheap|for|on|off)\\b",
    "(^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*|, |\\b(glad|grateful|nice|great|wonder\\w*|ask|know|see|check|tell me) (if|whether) )(is|are|what|which)\\b.*\\b(on (offer|sale|special)|cheaper)\\b",
    "(^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*|, |\\b(glad|grateful|nice|great|wonder\\w*|ask|know|see|check|tell me) (if|whether) )(how long|until when|when|is|are|does)\\b.*\\b((coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?|one)\\b.*\\b(valid|(?<!for )good|expires?)\\b",
    "(^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*|, |\\b(glad|grateful|nice|great|wonder\\w*|ask|know|see|check|tell me) (if|whether) )until when\\b.*\\b(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?\\b",
  ];
  const BARE = "(?!.*\\b(thanks?|thank you|cheers)( so much| very much| a lot)? for\\b)(?!((ok(ay)?|yes|no|thanks?|thank you|great|fine|well|good|your|it s|that s|what is|what s|an?|another|some|what|big|,) )*(deal|bargain|offer)( then)?( ,)?( thanks?)?$)(?!.*\\bwhat an?\\b)^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*(thing )?(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?( (for|on|of)( \\w+){1,4})?(?=( ,)?( (please|now|today|then|thanks?|thank you))*( \\?|$| , (please|any|what|which|do)\\b))";
  const ABOUT = "(^((please|hi|hello|hey|ok(ay)?|well|so|and|but|then|now|no|yes|just|sorry|thanks?|thank you|good (morning|day|evening)|let me|(can|could|would|will) you)( ,)? )*|, |\\b(glad|grateful|nice|great|wonder\\w*|ask|know|see|check|tell me) (if|whether) )((how|when|where|what|which|until when|on what)( (?!(i|you|we|it|they|he|she|there|this|that|these|those|the|my|your|all|any|an?|every|mine|both|one|either|(any ?)?thing|some ?one|today|tomorrow|coupons?|vouchers?|offers?|deals?) )\\w+){0,2} (is|are|was|were|s|do|does|did|can|could|will|would|should|must|may|shall|has|have|had)|which( ones?)? (expires?|ends?|runs?|covers?)|when (it|they|the \\w+) (expires?|ends?|runs?)|why(?! , (thank|that|this|what|yes|of))|how (come|much|long|big|many|soon|late|far)|(what|which) (percent\\w*|thing|products?|items?|brands?|stores?|days?|dates?|time|amount|minimum|code|terms|conditions?|reasons?|basis|grounds?)|what made|(on|for|to) which|on what (percent\\w*|thing|products?|items?|brands?|stores?|days?|dates?|time|amount|minimum|code|terms|conditions?|reasons?|basis|grounds?)|(until|up to|by) (what|which|when|how)|explain(?! that)|(tell|show) (me|us)|(tell|say|name|list|check|give me)( the)? (why|when|until|how|which|what|about|last day|expiry|(percent\\w*|thing|products?|items?|brands?|stores?|days?|dates?|time|amount|minimum|code|terms|conditions?|reasons?|basis|grounds?))|did (i|you|it|they|mine|both|one|any|the)|(is|are|was|were|do|does|can|could|will|would|should|must|may|have|has) (i|you|we|it|they|he|she|there|this|that|these|those|the|my|your|all|any|an?|every|mine|both|one|either|(any ?)?thing|some ?one|today|tomorrow|coupons?|vouchers?|offers?|deals?))\\b|\\b(how|where) to (use|redeem|apply|activate|get|save|find|pay|scan|print)\\b|\\?$";
  const REFUSES = "\\b(((do|does|did|is|are|was|were|have|has|wo|would|should|could|ca|ai|d)n ?t|cannot)|no|not|never|none|nobody|nope|nah|nothing|zero|nil|zilch|without|minus|against|enough|i (sue|dare)|as if|for good(?! )|in peace|let me be(?! )|pester\\w*|bombard\\w*|terminat\\w*|must i (bear|throw)|until (you|i) (listen|let|go|leave)|fewer|less|gone|away|hell|too (many|much)|fed up|(sick|tired|rid) of|(some|any) ?(one|body) else|leave|why (am|are|do) \\w+ still|why (would|should)|you still|keep\\w*|(have|had|has) to|out of|stop\\w*|quit|cease|end (it|them|the|your|all|these)|hat(e|ed|ing)|dislike\\w*|annoy\\w*|spam\\w*|bother\\w*|block\\w*|declin\\w*|reject\\w*|refus\\w*|refrain|avoid|cancel\\w*|object\\w*|forbid|exclude|exempt|disable|discontinue|drop|skip\\w*|spare|hide|mute|withhold|withdraw|revoke|consent|opt(ed|ing)?|unsub\\w*|unwanted|uninterested|silence|quiet|shut up|put up with|i (m|am|want) out|remov\\w*|delet\\w*(?! itself)|lawyers?|ugh|yuck|(bin|junk|rubbish)(?! (food|bag|liner)s?)|(turn|switch)\\w*( \\w+){0,4} off|tak(e|es|ing)( (all|the|your|my|these))* (me|us|it|them|this|these|those|(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?) off)\\b|(^|, )(please )?(off with|get lost|down with)\\b|\\b0 (more )?(offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)\\b|\\b(an?|the|my) (end|break|pause|rest|halt|block|last|suspension|termination) (of|to|from) ((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*(offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)\\b|\\b(end|bann?|paus|mut|ignor|delet|burn|binn|kill|ditch|scrap)(e|ed|ing)? ((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*(offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)\\b|\\b(coupon|voucher|offer|deal)s? off\\b(?! (?!(my|your|our|for|from|at|in|now|please|today|switch|button|list)\\b)\\w)";
  const LACKS = [
    "^no( ,)? (?=(show|list|which|what|any|i (want|need)|do i|can i)\\b)",
    "\\bi (do not|did not|have not|can not|cannot|don ?t|didn ?t|haven ?t|can ?t|never)( (yet|even|ever))* (see|find|had|get|got|receive|received|(?<!can t )(?<!cannot )have) (?=(?!any more )((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*(\\w+ )?((coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?|one)\\b(?=( (please|too|now|today|yet|left|here|again|available|that|which|for|on|off|with|i|at the moment|right now|this (week|month)|in (my|the) (app|account|list|mail))\\b.*)?( [,?].*)?$))",
    "\\bi (do not|don ?t|can not|cannot|can ?t) (see|find( out)?|know|remember) (?=(which|what|where|how (much|long|many)|when|until|if (i|there|my)|the (code|day|date))\\b(?! to do))",
    "(^|(?<=, )|\\bi |\\bplease )(do not|don ?t|never)( want to)? (stop|miss|lose|forget)( (getting|sending me))?\\b",
    "\\b((i|you) have|(are|is) there|(do|did|have) (i|you)( have| get| got)?) no( more)?\\b(?= (coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?)",
    "\\b(is|are) there no longer\\b|\\byou (do not|don ?t) (have|offer|give me)(?= (?!any more )((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*(\\w+ )?((coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?|one)\\b(?=( (please|too|now|today|yet|left|here|again|available|that|which|for|on|off|with|i|at the moment|right now|this (week|month)|in (my|the) (app|account|list|mail))\\b.*)?( [,?].*)?$))",
    "^why (do not|don ?t|can ?t|did not|didn ?t) (i|you) (have|get|got|see|find|receive|use|redeem|offer|send|give|show)( me)?(?= (?!any more )((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*(\\w+ )?((coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?|one)\\b(?=( (please|too|now|today|yet|left|here|again|available|that|which|for|on|off|with|i|at the moment|right now|this (week|month)|in (my|the) (app|account|list|mail))\\b.*)?( [,?].*)?$))|^why not (?=(another|this|that|the|thing|me)\\b)",
    "^((do|does|did|is|are|was|were|have|has|wo|would|should|could|ca|ai|d)n ?t|cannot) ((you|i|we) (have|get|offer|know of)(?= (?!any more )((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*(\\w+ )?((coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?|one)\\b(?=( (please|too|now|today|yet|left|here|again|available|that|which|for|on|off|with|i|at the moment|right now|this (week|month)|in (my|the) (app|account|list|mail))\\b.*)?( [,?].*)?$))|there(?= (?!any more )((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*(\\w+ )?((coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?|one)\\b(?=( (please|too|now|today|yet|left|here|again|available|that|which|for|on|off|with|i|at the moment|right now|this (week|month)|in (my|the) (app|account|list|mail))\\b.*)?( [,?].*)?$))|(?=(my|the|this)( \\w+)? ((coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?|one)\\b)|(?=it( still)? (valid|good|expired|over)\\b))",
    "\\bor (no|not)(?= [,?]|$)|^not (?=(the|my) (thing|first|second|third|fourth|fifth|last)\\b)|\\bwith(out| no)\\b(?! (me|my|us|you|your|asking|being|getting|receiving|seeing|hearing|end|break|consent|(offer(s|ing)?|coupons?|vouchers?|deals?|ads?|adverts?|advertising|advertisements?|commercials?|e ?mails?|mail|mailings?|newsletters?|marketing|discounts?|promotions?|promos?|specials|bargains?)|((an?|any|some|my|the|your|all|more|another|other|these|those|them|of|for|about|which|what|there|new|good|better|best|current|weekly|personal|first|second|third|fourth|fifth|last) )*(coupon|voucher|offer|deal|discount|promotion|promo|special|bargain)s?( codes?)?)\\b)",
    "\\b(is|are) not in my (app|account|list|mail)\\b|\\bdoes (the|my|this)( \\w+)? (coupon|voucher|offer|deal|discount) stop\\b",
    "^(i m|i am|it is) not (sure|clear)( to me)?(?=( ,)? (which|what|how|when|where|until|if|whether|it)\\b|( ,)?$)",
    "\\b(do|does|will|would|must) (i|we|it) have to (?=(do|show|print|scan|use|register|cut|bring|enter|buy|spend|redeem|activate|say|pay)\\b)",
  ];
  const OFFERING = [
    "coupons",
    "terms",
    "why",
  ];
  const PLACES = {
    first: 1,
    second: 2,
    third: 3,
    fourth: 4,
    fifth: 5,
    last: -1,
  };
  const PLACE = "\\b(first|second|third|fourth|fifth|last)\\b(?! (?:day|time|week|month|year)s?\\b)";
  const WHICH = "(?:^|(?<!\\bnot )(?<!\\bbefore )\\b(?:the|my|your) )\\b(first|second|third|fourth|fifth|last)\\b(?! (?:day|time|week|month|year)s?\\b) (?:one|coupon|voucher|offer|deal)\\b";
  const SAYS = {
    hello: "Hello! I can tell you about coupons, how to use them, and why they were chosen.",
    coupons: "You have:",
    terms: "All that I know of these coupons:",
    why: "Why these coupons were chosen for you, as far as I know:",
    none: "I find no coupon for you at the moment.",
    others: "I find no coupon by that name or number. You have:",
    use: "Coupons are shown at the till, in the app or on paper: whether one counts is decided there.",
    product: "I know coupons, not products. Shall I bring in a colleague?",
    thanks: "Thank you for writing to us.",
    unknown: "I did not understand that. Say \"coupons\" to see coupons, \"stop\" to get none, or ask for a colleague.",
    stop: "I will offer nothing more here. A colleague reads what you wrote.",
    forget: "A colleague reads what you wrote.",
    complaint: "I am sorry that I cannot settle this myself. A colleague reads what you wrote.",
    person: "A colleague reads what you wrote.",
    away: "I cannot see the coupons at the moment. A colleague reads what you wrote.",
    waiting: "A colleague has this conversation, and gets what you write.",
    unheard: "I did not hear a request for coupons. Please write it.",
    offer: "By the way, you have:",
    more: "There are more: ask for a product.",
  };
  const BETWEEN = [
    "hello",
    "product",
    "thanks",
  ];
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
  const MOST_TURNS = 50;
  // Until here.

  /** The beginning of a message, with words for signs that say no. */
  const signed = (words) =>
    SIGNS.reduce(
      (text, [signs, word]) => text.replace(new RegExp(`[${signs}]`, "gu"), word),
      words.slice(0, 500),
    );

  const meantBy = new Map(
    SHORT.flatMap(([shorts, meant]) => shorts.split(" ").map((short) => [short, meant])),
  );

  /** Small letters and digits, without marks, with single spaces, and what is short written out. */
  function plain(words) {
    const seen = signed(words).normalize("NFKD").toLowerCase();
    const text = seen.replace(/[\p{M}\p{Cf}\p{Cn}]/gu, "").replace(/[\u115f\u1160\u2800]/g, " ");
    const folded = text.replaceAll("ß", "ss");
    const found = folded.match(/[\p{L}\p{N}]+/gu) ?? [];
    return found.map((word) => meantBy.get(word) ?? word).join(" ");
  }

  const finds = (pattern, text) => new RegExp(pattern).test(text);

  /** The sentences of a message, and whether each asks something: "ok?" asks nothing. */
  function sentences(words) {
    const text = signed(words).normalize("NFKD");
    const found = [...text.matchAll(/([^.!?;:\n]+)([.!?;:\n]*)/g)];
    return found.map(([, sentence, end]) => {
      const tag = finds("\\b(ok(ay)?|clear|understood)$", plain(sentence));
      return { sentence, asks: end.includes("?") && !tag };
    });
  }

  const namedIn = (words) => PRODUCTS.filter((name) => ` ${plain(words)} `.includes(` ${name} `));

  /** Words with "thing" for each product that is named. */
  function nameless(text, named) {
    return named.reduce((t, name) => t.replace(new RegExp(`\\b${name}\\b`, "g"), "thing"), text);
  }

  /** Whether a sentence, or a part of one that asks nothing, asks for no more offers. */
  function wantsNothing(words) {
    const parts = sentences(words).flatMap(({ sentence, asks }) =>
      asks ? [`${plain(sentence)} ?`] : [sentence, ...sentence.split(",")].map(plain),
    );
    const stops = RULES.filter(([intent]) => intent === "stop");
    const all = parts.map((part) => nameless(part, namedIn(words)));
    const heard = all.filter((part) => !finds(DECLINES, part));
    return heard.some((part) => stops.some(([, pattern]) => finds(pattern, part)));
  }

  /** Sentences as "hi , any thing coupons ?", and without what only sounds like a no. */
  function clauses(words) {
    return sentences(words).map(({ sentence, asks }) => {
      const parts = sentence.split(/[,()–—]| -+ /).map(plain).filter(Boolean);
      const text = nameless(parts.join(" , ") + (asks ? " ?" : ""), namedIn(words));
      const kept = text.replace(new RegExp(LACKS.join("|"), "g"), "");
      return { text, kept: kept.split(" ").filter(Boolean).join(" ") };
    });
  }

  /** Whether a message may refuse something. */
  const refuses = (words) => clauses(words).some(({ kept }) => finds(REFUSES, kept));

  /** Whether a word stands there that refuses, though it may be missed. */
  const mayRefuse = (words) => clauses(words).some(({ text }) => finds(REFUSES, text));

  /** Whether a message asks for coupons, or asks anything if coupons are not its intent. */
  function asks(words, intent) {
    const found = clauses(words);
    const about = intent !== "coupons" && found.some(({ text }) => finds(ABOUT, text));
    const bare = found.filter(({ kept }) => finds(BARE, kept));
    const lacks = bare.some(({ text, kept }) => kept !== text);
    const alone = found.every((each) => bare.includes(each) || finds(POLITE, each.kept));
    const plainly = found.some(({ kept }) => ASKS.some((pattern) => finds(pattern, kept)));
    return about || plainly || lacks || (bare.length > 0 && alone);
  }

  /** Whether an offer that nobody asked for may follow. */
  function allowsOffer(words, intent) {
    const declined = clauses(words).some(({ text }) => finds(DECLINES, text));
    if (intent === "unknown" || declined || mayRefuse(words)) return false;
    const plainly = ({ text }) => finds(WONDERS, text) || finds(POLITE, text);
    return intent !== "product" || clauses(words).every(plainly);
  }

  /** Whether a message is a yes to the question for a colleague. */
  function agrees(words) {
    const begins = plain(words.trim().split(/[,.!?;:\n]/)[0]);
    const may = [plain(words), finds("^(ok(ay)?|fine)\\b", begins) ? "" : begins];
    return may.some((text) => finds(AGREES, text)) && !finds(WAVERS, may[0]);
  }

  /** What was meant, after another intent: an intent, a product, a place in the list.
   *
   * After coupons were `shown`, "how much is it?" is about them. */
  function hear(words, before, shown) {
    const text = plain(words);
    const products = namedIn(words);
    const named = new RegExp(WHICH).exec(text);
    const places = text.match(new RegExp(PLACE, "g")) ?? [];
    const stops = wantsNothing(words);
    const which = named && places.length === 1 ? PLACES[named[1]] : 0;
    const here = sentences(words).find(({ sentence }) => finds(PLACE, plain(sentence)));
    const mine = which && here ? namedIn(here.sentence) : products;
    const but = finds(BUT, nameless(text, products));
    const product = mine.length === 1 && !but ? mine[0] : ""; // several are no one's name
    const texts = clauses(words).map((each) => each.text);
    const declined = texts.filter((each) => finds(DECLINES, each));
    const heard = plain(texts.filter((each) => !declined.includes(each)).join(" "));
    const polite = !stops && texts.every((each) => declined.includes(each) || finds(POLITE, each));
    const thanks = declined.length > 0 || finds(GLAD, heard);
    const rule = RULES.find(([intent, pattern]) =>
      intent === "stop" ? stops : finds(pattern, heard),
    );
    const rest = products.length ? "product" : "unknown";
    let intent = rule ? rule[0] : rest;
    if (!["person", "forget", "stop", "complaint"].includes(intent)) {
      intent = DESK.find(([, pattern]) => finds(pattern, heard))?.[0] ?? intent;
    }
    const about = shown || intent === "use" ? `${CONCERNS}|${MAY_CONCERN}` : CONCERNS;
    const elsewhere = finds(OTHER_THINGS, heard) && !finds(`\\b${NOUN}\\b`, heard);
    const concerned = which || (!elsewhere && texts.some((each) => finds(about, each)));
    if (["terms", "why", "use"].includes(intent) && !concerned) intent = rest;
    if (polite) intent = thanks ? "thanks" : finds(`^${HELLO}\\b`, heard) ? "hello" : "unknown";
    else if (OFFERING.includes(intent) && (refuses(words) || !asks(words, intent))) intent = "unknown";
    else if (intent === "use" && (refuses(words) || !asks(words, intent))) intent = rest;
    const other = ["person", "forget", "stop", "complaint", "coupons"].includes(intent);
    if (before === "product" && !other && !stops && agrees(words)) intent = "person";
    return { intent, product, which };
  }

  /** Those of a list that are meant: by their product, by their place among these, or all. */
  function meant(list, { which, product }) {
    const mine = list.filter(([name]) => !product || name === product);
    if (!which) return mine;
    const at = which > 0 ? which - 1 : which;
    const one = mine.at(at) ?? list.at(at);
    if (mine.includes(one)) return [one];
    return mine.length && list.at(at) ? list : []; // one of them is not meant: deny neither
  }

  return { SAYS, BETWEEN, TELLS, GAIN, LEAVES, MOST_TURNS, OFFERING, hear, allowsOffer, meant };
})();
