"""Top-level domains that tell an e-mail address from `queries@keys.transpose` and `getty@tty1.service`."""

from otel_mldebug.rules.redact.words import vocabulary

_GENERIC = (
    "academy agency ai app arpa art asia bank berlin bio biz blog build business cafe care cat center city cloud club "
    "codes com community company computer consulting coop corp data design dev digital domain edu education email "
    "energy engineering enterprises eu events example expert finance foundation fund fyi games global gmbh google gov "
    "group health home host hosting house inc info institute int international internal intra intranet invalid io jobs "
    "lab labs lan land law legal life limited link live llc local localdomain london ltd mail management market "
    "marketing media medical mil mobi money museum name net network news ngo nyc one online org page paris partners "
    "photo photography press private pro research school science security services shop site social software solutions "
    "space store studio support systems team tech technology test tel today tools top travel university uno ventures "
    "video vip wiki work works world xyz zone"
)
_COUNTRIES = (
    "ac ad ae af ag al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd cf "
    "cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et fi fj fk fm fo fr ga gd ge gf gg "
    "gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in iq ir is it je jm jo jp ke kg kh ki km kn "
    "kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na "
    "nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw qa re ro ru rw sa sb sc sd se sg si sj "
    "sk sl sm sn sr ss st su sv sx sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve vg vi "
    "vn vu wf ws ye yt za zm zw"
)
TOP_LEVEL = vocabulary(_GENERIC + " " + _COUNTRIES)
"""Without the country codes that are file extensions as often: md, py, rs, sh, so."""
