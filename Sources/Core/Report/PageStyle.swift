/// How a page looks: its few colours and lengths by name, then what uses them.
///
/// The lines' colours are Okabe and Ito's, which colour-blind readers tell apart, darkened or
/// lightened until their text has the contrast of WCAG AA; dashes tell the lines apart too.
enum PageStyle {
  static let sheet: StaticString = """
    :root{color-scheme:light dark;--ground:#fff;--panel:#f5f7f9;--ink:#1b1f24;--quiet:#57606a;
    --line:#d4dae1;--link:#0a5a9c;--c1:#0072b2;--c2:#b84d00;--c3:#00785a;--mark:#fff;
    --heat:213 94 0;--most:.72;--radius:10px;--gap:1.25rem}
    @media(prefers-color-scheme:dark){:root{--ground:#14171a;--panel:#1c2126;--ink:#e9ecef;
    --quiet:#a5afba;--line:#39424c;--link:#86c5ff;--c1:#62b8ea;--c2:#f2924a;--c3:#3ccb9f;
    --mark:#14171a;--heat:224 105 16;--most:.52}}
    *{box-sizing:border-box}
    html{-webkit-text-size-adjust:100%}
    body{margin:0;background:var(--ground);color:var(--ink);
    font:16px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;
    font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
    header,main,footer{max-width:70rem;margin:0 auto;padding:0 1rem}
    header{padding-top:2rem}
    footer{padding-top:1.5rem;padding-bottom:3rem;color:var(--quiet);font-size:.875rem}
    h1{font-size:1.75rem;line-height:1.2;margin:0 0 .25rem;letter-spacing:-.01em}
    h2{font-size:1.25rem;line-height:1.3;margin:2.5rem 0 .75rem;padding-top:1.25rem;
    border-top:1px solid var(--line)}
    h3{font-size:1.0625rem;margin:1.75rem 0 .5rem}
    h4{font-size:.9375rem;margin:1.25rem 0 .5rem}
    p{margin:.5rem 0;max-width:46rem}
    a{color:var(--link)}
    .lead,.note{color:var(--quiet)}
    .note{font-size:.875rem}
    nav ul{list-style:none;display:flex;flex-wrap:wrap;gap:.25rem 1.1rem;padding:0;margin:1rem 0 0}
    .figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(6.5rem,1fr));gap:.75rem;
    margin:1.25rem 0 0}
    .figures p{background:var(--panel);border-radius:var(--radius);padding:.75rem;margin:0;
    color:var(--quiet);font-size:.8125rem}
    .figures strong{display:block;white-space:nowrap;font-size:clamp(1.25rem,5vw,1.625rem);
    line-height:1.3;color:var(--ink)}
    .figures span{display:block}
    pre{background:var(--panel);border-radius:var(--radius);padding:.75rem 1rem;margin:.5rem 0;
    font:.8125rem/1.55 ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;
    white-space:pre-wrap}
    code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,"DejaVu Sans Mono",monospace;
    font-size:.9em}
    .scroll{overflow-x:auto;max-width:100%;margin:.75rem 0}
    :focus-visible{outline:2px solid var(--link);outline-offset:2px}
    table{border-collapse:collapse;font-size:.875rem;line-height:1.4}
    caption{text-align:left;color:var(--quiet);padding:0 0 .4rem;
    max-width:min(46rem,calc(100vw - 2rem))}
    th,td{text-align:left;vertical-align:top;padding:.3rem .75rem .3rem 0;
    border-bottom:1px solid var(--line);overflow-wrap:normal}
    thead th{color:var(--quiet);font-weight:500;vertical-align:bottom}
    tbody th{font-weight:500}
    .n{text-align:right;white-space:nowrap}
    td:last-child:not(.n){min-width:15rem}
    .heat td:last-child:not(.n),.pictures td:last-child{min-width:0}
    .heat th,.heat td{padding:.3rem .5rem}
    .heat td{text-align:right;border:1px solid var(--ground);white-space:nowrap;
    background:rgb(var(--heat)/calc(var(--v)*var(--most)))}
    .heat td.none{background:none;color:var(--quiet)}
    .heat tbody th:first-child{position:sticky;left:0;background:var(--ground)}
    .heat td small{display:block;font-size:.6875rem}
    .heat .target{text-decoration:underline;text-underline-offset:.2em}
    .charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,20rem),1fr));
    gap:var(--gap)}
    figure{margin:0}
    .charts figure{max-width:28rem}
    figcaption{font-size:.875rem;color:var(--quiet);margin-bottom:.25rem}
    figcaption strong{color:var(--ink);font-weight:600}
    svg{display:block;width:100%;height:auto}
    svg text{font-size:11px;fill:var(--quiet)}
    svg .grid{stroke:var(--line);stroke-width:1}
    svg .name{font-weight:600}
    svg .line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
    .s1{stroke:var(--c1)}.s2{stroke:var(--c2);stroke-dasharray:6 3}
    .s3{stroke:var(--c3);stroke-dasharray:2 3.5}
    svg .dot{stroke-width:2;fill:var(--ground);stroke-dasharray:none}
    svg text.t1{fill:var(--c1)}svg text.t2{fill:var(--c2)}svg text.t3{fill:var(--c3)}
    .p1{fill:var(--c1)}.p2{fill:var(--c2)}.p3{fill:var(--c3)}
    .triggered{fill:var(--ink);stroke:var(--mark);stroke-width:.7}
    .points{max-width:34rem}.point{fill-opacity:.85}
    .frame{fill:none;stroke:var(--line)}
    .key{list-style:none;display:flex;flex-wrap:wrap;gap:.15rem .9rem;padding:0;margin:.75rem 0;
    font-size:.8125rem}
    .key svg{display:inline-block;width:.8rem;height:.8rem;margin-right:.35rem;
    vertical-align:-.05rem}
    .pictures td,.pictures th{border:0;padding:.2rem .35rem .2rem 0;vertical-align:middle;
    text-align:left}
    .pictures thead th{font-size:.75rem;max-width:5.5rem}
    .pictures img{display:block;width:88px;height:auto;image-rendering:pixelated;border-radius:4px;
    background:#b4b4b4}
    .sheet{max-width:100%;height:auto;border-radius:4px}
    details{margin:.75rem 0}
    summary{cursor:pointer;color:var(--link);font-size:.875rem}
    @media print{.scroll{overflow:visible}}
    """
}
