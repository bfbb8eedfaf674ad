// Our own rules. A rule's name is what facts keep of it; what it means stands in rules.py.
// Known of the file: kind (by content), ending (of its name), is_macro, is_object (`member.py`).

rule eicar {
    // The test file of the EICAR association; in digits, so that no scanner stops this file.
    strings:
        $file = {
            58 35 4F 21 50 25 40 41 50 5B 34 5C 50 5A 58 35 34
            28 50 5E 29 37 43 43 29 37 7D 24 45 49 43 41 52 2D
            53 54 41 4E 44 41 52 44 2D 41 4E 54 49 56 49 52 55
            53 2D 54 45 53 54 2D 46 49 4C 45 21 24 48 2B 48 2A
        }
    condition:
        $file in (0..16) or (kind == "html" and $file)
}

rule macro_starts {
    // Names that Word, Excel and PowerPoint call by themselves.
    strings:
        $name = /\bsub\s{1,9}(auto_?(open|exec|close|exit|new)|(document|workbook|presentation)_?(open|close|beforeclose|new|activate|sheetchange)|workbook_windowactivate|slideshow_?(begin|next))\b/ nocase
        $event = /_(mousemove|mouseover|layout|resize|gotfocus|painted)\s{0,4}\(/ nocase
    condition:
        is_macro and any of them
}

rule macro_runs {
    // Starts programs, or fetches what could be one.
    strings:
        $shell = /\bshell\s{0,4}[("$]/ nocase
        $statement = /[\n:=]\s{0,40}shell\s{1,4}[a-z_]/ nocase
        $objects = /(wscript\.shell|shell\.application|winmgmts:|win32_process|shellexecute|msxml2\.(server)?xmlhttp|winhttp\.winhttprequest|adodb\.stream|scriptcontrol)/ nocase
        $library = /declare\s{1,9}(ptrsafe\s{1,9})?(function|sub)\s{1,9}\w{1,80}\s{1,9}lib\s{1,9}"(kernel32|urlmon|shell32|ntdll|wininet)/ nocase
        $program = /(powershell|cmd(\.exe)?\s{1,4}\/c|mshta|regsvr32|rundll32|certutil|bitsadmin|wmic)/ nocase
    condition:
        is_macro and any of them
}

rule macro_of_excel_4 {
    // Sheets of the macro language before Visual Basic, which scanners for the latter do not see.
    strings:
        $call = /<(\w{1,8}:)?f>[^<]{0,400}\b(EXEC|CALL|REGISTER|FOPEN|FWRITE|RUN|URLDOWNLOADTOFILE\w?)\(/ nocase
        $sheet = "macrosheet" nocase
    condition:
        kind == "xml" and $sheet and $call
}

rule dde_field {
    // A field that starts a program when the document is opened.
    strings:
        $field = /\bDDE(AUTO)?\s/ nocase
        $program = /\b(cmd|powershell|mshta|rundll32|wscript|cscript)\b/ nocase
        $sheet = /[=+@-](cmd|powershell|mshta|rundll32|msexcel)\|\s{0,4}['"]/ nocase
    condition:
        (kind == "xml" or kind == "rtf" or kind == "text") and (
            $sheet or for any of ($field) : ($program in (@..@ + 100))
        )
}

rule document_fetches {
    // Content or template taken from the web when the document is opened.
    strings:
        $forwards = /Type="[^"]{1,200}\/(attachedTemplate|oleObject|frame|subDocument)"[^>]{0,600}Target="\s{0,4}(https?:|ftp:|mhtml:|\\\\)/ nocase
        $backwards = /Target="\s{0,4}(https?:|ftp:|mhtml:|\\\\)[^>]{0,600}Type="[^"]{1,200}\/(attachedTemplate|oleObject|frame|subDocument)"/ nocase
        $rtf = /\\\*\\template\s{0,9}\{?\s{0,9}https?:/ nocase
    condition:
        ((kind == "xml" or kind == "text") and ending == "rels" and any of ($forwards, $backwards))
        or (kind == "rtf" and $rtf)
}

rule equation_in_rtf {
    // The equation editor of old Office versions: programs that write RTF for people make no
    // formulas so, attackers do.
    strings:
        $rtf = /\\objclass\s{1,9}Equation\.[23]/ nocase
    condition:
        kind == "rtf" and $rtf
}

rule equation_object {
    // The same in a document: of an attacker, or of a teacher whose formulas are twenty years old.
    strings:
        $class = { 02 CE 02 00 00 00 00 00 C0 00 00 00 00 00 00 46 }
        $name = "Equation.3" nocase
        $native = "Equation Native" wide
    condition:
        is_object and any of them
}

rule protocol_abuse {
    // Addresses that start helper programs of Windows.
    strings:
        $address = /["'=(]\s{0,4}(ms-msdt|ms-search|search-ms|ms-appinstaller|ms-officecmd):[a-z?\/]/ nocase
    condition:
        (kind == "html" or kind == "svg" or kind == "xml") and $address
}

rule page_makes_file {
    // "HTML smuggling": a script puts a file together and has the browser save it.
    strings:
        $decode = /\b(atob\s{0,4}\(|Uint8Array|fromCharCode|charCodeAt|base64ToArrayBuffer)/ nocase
        $blob = /new\s{1,4}(Blob|File)\s{0,4}\(/
        $save = /(msSaveOrOpenBlob|msSaveBlob|createObjectURL|\.download\s{0,4}=|setAttribute\(\s{0,4}["']download)/ nocase
        $link = /\bdownload\s{0,4}=\s{0,4}["'][^"']{1,200}["']/ nocase
        $data = /href\s{0,4}=\s{0,4}["']data:application\/[a-z0-9.+-]{1,60}[;,]/ nocase
    condition:
        (kind == "html" or kind == "svg") and (($decode and ($blob or $save)) or ($link and $data))
}

rule page_asks_password {
    // A page in an attachment that asks for a password and sends it away.
    strings:
        $field = /\btype\s{0,4}=\s{0,4}["']?password/ nocase
        $form = /\baction\s{0,4}=\s{0,4}["']?\s{0,4}https?:/ nocase
        $script = /(\bfetch\s{0,4}\(|XMLHttpRequest|\$\.(ajax|post)|api\.telegram)/ nocase
    condition:
        (kind == "html" or kind == "svg") and $field and ($form or $script)
}

rule page_hides_itself {
    // A page that is only a script that unpacks the page.
    strings:
        $write = /(document\.write(ln)?|eval|innerHTML\s{0,4}=)\s{0,4}\(?\s{0,4}(unescape|atob|decodeURIComponent|String\.fromCharCode)\s{0,4}\(/ nocase
    condition:
        (kind == "html" or kind == "svg") and $write
}

rule picture_with_script {
    strings:
        $script = /<script[\s>]/ nocase
        $event = /\son(load|error|click|mouseover|begin|focus)\s{0,4}=/ nocase
        $link = /href\s{0,4}=\s{0,4}["']\s{0,4}javascript:/ nocase
    condition:
        kind == "svg" and any of them
}

rule pdf_launches {
    // Starts a program, by itself or at a click.
    strings:
        $launch = /\/S\s{0,9}\/Launch\b/
        $to = /\/(Win|F|Unix)\s{0,9}[<(]/
    condition:
        (kind == "pdf" or is_object) and all of them
}

rule pdf_script_at_opening {
    strings:
        $opening = /\/(OpenAction|AA)\b/
        $script = /\/S\s{0,9}\/JavaScript\b/
    condition:
        (kind == "pdf" or is_object) and all of them
}

rule pdf_hidden_names {
    // Letters of a name written as numbers: of no use but to hide the name.
    strings:
        $name = /\/[A-Za-z]{0,12}#(4[1-9A-Fa-f]|5[0-9Aa]|6[1-9A-Fa-f]|7[0-9Aa])[A-Za-z#]/
    condition:
        kind == "pdf" and #name > 2
}

rule shortcut_runs {
    // A shortcut with a command line in it.
    strings:
        $program = /(powershell|cmd\.exe|mshta|wscript|cscript|rundll32|regsvr32|certutil|bitsadmin|conhost|forfiles|msiexec)/ nocase wide ascii
    condition:
        kind == "shortcut" and $program
}

rule shortcut_elsewhere {
    // An internet shortcut to a file on somebody's server.
    strings:
        $head = "[InternetShortcut]" nocase
        $file = /URL\s{0,4}=\s{0,4}(file:|\\\\)/ nocase
    condition:
        all of them
}

rule script_fetches {
    // A script that fetches something and runs it.
    strings:
        $fetch = /(xmlhttp|winhttprequest|downloadfile|downloadstring|downloaddata|invoke-webrequest|\biwr\b|urldownloadtofile|bitsadmin|certutil|start-bitstransfer|net\.webclient)/ nocase wide ascii
        $run = /(wscript\.shell|shell\.application|shellexecute|start-process|\biex\b|invoke-expression|adodb\.stream|savetofile|createobject)/ nocase wide ascii
    condition:
        (kind == "text" or kind == "html" or kind == "script" or kind == "xml") and
        ending matches /^(jse?|vb[se]?|ws[fh]|hta|ps1|bat|cmd|sct|wsc)$/ and all of them
}

rule program_as_text {
    // A Windows program in base64 or hexadecimal digits.
    strings:
        $base64 = "TVqQAAMAAAAEAAAA"
        $base64_other = /TVp[A-Za-z0-9+\/]{60,400}VGhpcyBwcm9ncmFt/
        $digits = "4d5a90000300000004000000" nocase
    condition:
        (kind == "text" or kind == "html" or kind == "script" or kind == "xml" or kind == "svg") and
        not ending matches /^(eml|mbox|patch|diff)$/ and any of them
}

rule autorun {
    strings:
        $head = /^\s{0,20}\[autorun\]/ nocase
        $open = /\b(open|shellexecute|shell\\[a-z]{1,20}\\command)\s{0,4}=/ nocase
    condition:
        ending == "inf" and all of them
}
