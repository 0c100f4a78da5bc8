//! The help of the command lines in Korean: a text for each command and each argument. The English texts are the doc
//! comments of [`super`].

/// The words around the texts.
pub const USAGE: &str = "사용법";
/// The heading of commands.
pub const COMMANDS: &str = "명령";
/// The heading of arguments without a name.
pub const ARGUMENTS: &str = "인자";
/// The heading of options.
pub const OPTIONS: &str = "옵션";
/// What stands for a command in a usage line.
pub const COMMAND: &str = "명령";
/// Before the usual value of an option.
pub const DEFAULT: &str = "기본값";
/// The text below each help.
pub const EXIT_STATUS: &str = "종료 상태: 0 완료, 1 거부되었거나 중단함, 2 실행할 수 없음.";
/// The command that shows help.
pub const HELP_COMMAND: &str = "이 도움말이나 지정한 명령의 도움말 표시";
/// The option that shows help.
pub const HELP: &str = "도움말 표시(-h: 짧은 도움말)";
/// The option that shows the version.
pub const VERSION: &str = "버전 표시";

/// Returns what a command does, in a line, and more about it where there is more to say. `path`: the command line's
/// words, from the program's name on.
#[must_use]
#[expect(clippy::too_many_lines, reason = "a text each")]
pub fn about(path: &str) -> Option<(&'static str, &'static str)> {
    Some(match path {
        "otp-enroll" => (
            "일회용 인증 코드를 표시하는 인증 수단을 등록하거나 교체합니다",
            "",
        ),
        "otp-enroll status" => ("등록된 인증 수단과 잠김 여부 표시", ""),
        "otp-enroll test" => (
            "로그인할 때와 똑같이 인증 코드 확인(시도 횟수에 포함됨)",
            "",
        ),
        "otp-enroll add" => ("인증 수단 추가(하나만 허용되면 기존 인증 수단을 교체)", ""),
        "otp-enroll remove" => (
            "인증 수단 삭제(마지막 인증 수단이면 복구 코드도 함께 삭제)",
            "",
        ),
        "otp-enroll recovery-codes" => ("복구 코드 재발급(기존 복구 코드는 사용할 수 없게 됨)", ""),
        "otp-admin" => (
            "모든 사용자의 일회용 인증 코드를 관리합니다(guide 명령 외에는 root 전용)",
            "",
        ),
        "otp-admin list" => ("등록된 모든 사용자의 목록 표시", ""),
        "otp-admin report" => (
            "인증 수단이 있어야 하는 사용자와 인증 수단이 있는 사용자 보고",
            "이름 서비스가 나열하는 모든 사용자와 모든 등록 정보를 다룹니다. 프로그램용 계정은 등록 정보가 있을 때만 포함됩니다. \
             텍스트 형식에서는 끝에 요약을 표시합니다.",
        ),
        "otp-admin show" => ("한 사용자의 키와 복구 코드를 제외한 모든 정보 표시", ""),
        "otp-admin unlock" => ("잠금을 해제하고 실패 횟수 초기화", ""),
        "otp-admin reset" => ("한 사용자의 등록 정보를 손상 여부와 관계없이 모두 삭제", ""),
        "otp-admin move" => (
            "등록 정보를 같은 사람의 새 이름이나 새 사용자 ID로 옮기기",
            "",
        ),
        "otp-admin provision" => ("대화 없이 사용자를 등록하고 키와 복구 코드 출력", ""),
        "otp-admin import" => ("다른 프로그램의 키 가져오기", ""),
        "otp-admin import google-authenticator" => (
            "pam_google_authenticator의 파일에서 가져오기",
            "각 사용자의 파일은 그 사용자의 권한으로 읽으며 그대로 둡니다.",
        ),
        "otp-admin import oath" => ("pam_oath의 파일에서 가져오기", ""),
        "otp-admin import uris" => ("otpauth URI나 키의 목록(줄, CSV, JSON)에서 가져오기", ""),
        "otp-admin import pskc" => (
            "하드웨어 토큰과 함께 제공되는 키 컨테이너(PSKC, RFC 6030)에서 가져오기",
            "",
        ),
        "otp-admin doctor" => (
            "인증 코드를 우회할 수 있는 경로와 사용자를 막는 설정 점검",
            "인증 코드를 요구하는 서비스나 지정한 서비스의 PAM 줄을 모든 경로로 따라가고 sshd 설정, 정책, 등록 정보, 시계를 \
             점검합니다. 아무것도 변경하지 않습니다. 종료 상태: 0 문제 없음, 1 문제 있음, 2 점검하지 못한 항목이 있음.",
        ),
        "otp-admin protect" => (
            "서비스에서 인증 코드를 요구하도록 설정",
            "변경할 내용을 표시하고, 적용하기 전에 새 줄로 로그인해 보게 한 다음 적용합니다. 확정하지 않으면 모두 되돌립니다.",
        ),
        "otp-admin unprotect" => ("서비스에서 인증 코드를 요구하지 않도록 설정", ""),
        "otp-admin events" => (
            "인증 코드로 로그인한 사용자, 거부된 사용자, 변경된 내용 조회",
            "저널에서 root의 프로그램, 헬퍼, 검증 서버, 포털이 남긴 줄만 읽습니다. 저널이 없으면 syslog 파일을 읽습니다.",
        ),
        "otp-admin guide" => (
            "로그인하는 사용자를 위한 한 쪽짜리 안내를 이 컴퓨터의 정책에 따라 작성",
            "인증 수단 등록, 로그인, 휴대폰 교체, 휴대폰을 잃어버렸거나 계정이 잠겼을 때 할 일을 설명합니다. --lang en을 지정하면 영어로 \
             작성합니다. 안내에 표시되는 키와 복구 코드는 예시입니다. root 권한이 필요하지 않습니다.",
        ),
        "otp-admin fleet" => ("플릿의 데이터베이스, 컴퓨터, 관리자, 백업 관리", ""),
        "otp-admin fleet init" => (
            "비어 있는 etcd에 플릿을 만들거나 중단된 작업 완료",
            "검증 서버 호스트에서 etcd의 root 사용자의 --certificate와 --key로 실행합니다. 각 검증 서버에 플릿의 키에만 권한이 있는 etcd \
             사용자를 만들고, 이후 etcd가 모두에게 인증서를 요구하도록 합니다. 정책에 봉인 키가 있으면 인증 수단의 키를 봉인하는 그 키를 \
             만듭니다. 그런 다음 할 일을 알려 줍니다.",
        ),
        "otp-admin fleet carry-key" => (
            "다른 검증 서버로 옮길 봉인 키를 암호화하여 새 파일에 저장",
            "키가 있는 검증 서버 호스트에서 실행합니다.",
        ),
        "otp-admin fleet take-key" => (
            "그런 파일의 봉인 키를 제 위치에 저장",
            "아직 키가 없는 검증 서버 호스트에서 실행합니다.",
        ),
        "otp-admin fleet add-machine" => ("컴퓨터가 플릿의 검증 서버에 요청하도록 허용", ""),
        "otp-admin fleet add-administrator" => ("관리자가 플릿을 관리하도록 허용", ""),
        "otp-admin fleet revoke" => ("컴퓨터나 관리자를 다음 요청부터 거부", ""),
        "otp-admin fleet machines" => ("컴퓨터와 관리자의 목록 표시", ""),
        "otp-admin fleet status" => (
            "데이터베이스, 검증 서버, 컴퓨터의 상태 표시",
            "종료 상태: 0 문제 없음, 1 문제 있음, 2 데이터베이스에 요청하지 못함.",
        ),
        "otp-admin fleet backup" => (
            "플릿의 모든 내용을 암호화하여 새 파일에 저장",
            "검증 서버 호스트에서 실행합니다. 파일에는 한 시점의 상태가 저장되며, 그동안에도 로그인할 수 있습니다.",
        ),
        "otp-admin fleet restore" => (
            "백업의 내용 복원",
            "검증 서버 호스트에서 실행합니다. 이후 이전의 인증 코드는 인정되지 않으며 복구 코드는 사용할 수 없습니다.",
        ),
        "otp-admin fleet confirm" => (
            "과거로 돌아간 데이터베이스를 플릿의 것으로 인정",
            "검증 서버 호스트에서 실행합니다. 더 나중의 상태를 본 검증 서버는 멈춰 있습니다. 이후 이전의 인증 코드는 인정되지 않으며 복구 \
             코드는 사용할 수 없습니다.",
        ),
        "otp-admin seal" => (
            "디스크나 백업의 사본으로 로그인할 수 없도록 모든 등록 정보의 키를 봉인",
            "정책에 적힌 파일의 첫 번째 키를 사용합니다. 설정 방법은 pam_otp-seal(7) 매뉴얼에 있습니다. 그동안에도 로그인할 수 있습니다. \
             중단되면 같은 명령으로 이어서 완료합니다.",
        ),
        "otp-admin policy" => (
            "정책 파일을 검사하거나 한 사용자에 대한 정책의 결과 표시",
            "",
        ),
        "otp-admin policy check" => (
            "로그인에 적용되기 전에 정책 파일 검사",
            "로그인할 때와 똑같이 파일을 읽고 오류가 있는 줄을 알려 줍니다. 그런 다음 확인할 항목을 나열합니다: 알 수 없는 그룹과 사용자, \
             모든 주소를 포함하는 네트워크, 로그인할 때 인증 수단을 등록할 수 없는 서비스. 명령을 실행한 사용자에게 인증 수단이 없는데 지금이나 \
             나중에 2단계 인증을 요구하는 정책은 거부합니다.",
        ),
        "otp-admin policy show" => (
            "지금 한 사용자가 로그인하면 어떻게 되는지와 적용되는 규칙 표시",
            "/etc/pam.d에 인자 없는 줄로 인증 코드를 요구하는 서비스이고 신뢰 네트워크가 아닌 것으로 간주합니다. 정책에 이름이 있는 서비스는 \
             각각 한 줄로 표시합니다.",
        ),
        _ => return None,
    })
}

/// Returns what an argument of a command is for. `path`: as for [`about`]; `id`: the argument's id.
#[must_use]
#[expect(clippy::too_many_lines, reason = "a text each")]
#[expect(
    clippy::match_same_arms,
    reason = "in the order of the commands, as their definitions are"
)]
pub fn argument(path: &str, id: &str) -> Option<&'static str> {
    Some(match (path, id) {
        // Options of every command.
        (_, "conf") => "정책 파일",
        (_, "state_dir") => "모든 등록 정보의 디렉터리",
        (_, "lang") => "언어, en 또는 ko [기본값: 로캘, 그다음 정책의 언어]",
        ("otp-enroll", "user") => "대상 계정(다른 사용자의 계정: root 전용)",
        ("otp-enroll", "name") => "인증 수단의 이름 [기본값: phone]",
        ("otp-enroll", "qr") => {
            "QR 코드를 그리는 방법(unicode: 반 블록으로 한 줄에 두 행, ascii: 공백과 # 기호, none: 그리지 않음) [기본값: 로캘에 따름]"
        }
        ("otp-enroll", "qr_file") => "QR 코드를 새 그림 파일에도 저장",
        ("otp-enroll", "save") => "복구 코드를 새 파일에 저장",
        ("otp-enroll status", "json") => "JSON 객체 하나로 출력(시각은 1970년부터의 초)",
        ("otp-enroll add", "name") => "인증 수단의 이름",
        ("otp-enroll remove", "name") => "삭제할 인증 수단(하나뿐이면 생략 가능)",
        ("otp-admin", "local") => "플릿에 속한 컴퓨터라도 이 컴퓨터의 등록 정보에 실행",
        ("otp-admin", "certificate") => "플릿 관리자의 인증서",
        ("otp-admin", "key") => "그 인증서의 키 [기본값: /etc/security/pam_otp-administrator.key]",
        ("otp-admin list" | "otp-admin fleet machines", "json") => {
            "JSON 배열 하나로 출력(시각은 1970년부터의 초)"
        }
        ("otp-admin report" | "otp-admin fleet status", "json") => {
            "JSON 객체 하나로 출력(시각은 1970년부터의 초)"
        }
        ("otp-admin provision" | "otp-admin doctor", "json") => "JSON 객체 하나로 출력",
        ("otp-admin events", "json") => "한 줄에 JSON 객체 하나로 출력(시각은 1970년부터의 초)",
        ("otp-admin list" | "otp-admin report", "csv") => {
            "제목 줄이 있는 쉼표 구분 값(CSV)으로 출력"
        }
        ("otp-admin guide", "html") => "웹 서버에 올리거나 인쇄할 수 있는 HTML 파일 하나로 출력",
        ("otp-admin guide", "text") => "일반 텍스트로 출력(기본값)",
        ("otp-admin guide", "name") => "안내에 표시할 조직이나 컴퓨터의 이름 [기본값: issuer]",
        ("otp-admin report", "users") => {
            "이 사용자만 보고(한 줄에 이름 하나인 파일, 표준 입력은 -)"
        }
        ("otp-admin report", "groups") => "이 그룹의 구성원만 보고(여러 번 지정 가능)",
        ("otp-admin report", "only") => {
            "이 행만 출력하고 요약에는 모두 포함(missing: 지금이나 나중에 인증 수단이 있어야 하지만 없는 사용자, unenrolled: 인증 \
             수단이 없는 사용자, locked: 잠기거나 사용 중지된 계정, problem: 읽을 수 없거나 사용자가 없는 등록 정보와 사용자가 없는 이름)"
        }
        ("otp-admin report", "system") => "프로그램용 계정도 포함",
        ("otp-admin report", "service") => {
            "이 서비스의 규칙을 적용 [기본값: 정책에 이름이 없는 서비스의 규칙]"
        }
        (
            "otp-admin show"
            | "otp-admin unlock"
            | "otp-admin reset"
            | "otp-admin provision"
            | "otp-admin policy show",
            "user",
        ) => "사용자 이름",
        ("otp-admin reset", "gone") => "이 이름의 사용자가 더 이상 없을 때만 삭제",
        ("otp-admin move", "old") => "등록 정보가 저장된 이름",
        ("otp-admin move", "new") => "사용자의 현재 이름(사용자 ID만 바뀌었으면 같은 이름)",
        ("otp-admin move", "force") => "등록 정보의 사용자 ID와 달라도 옮기기",
        ("otp-admin provision", "force") => "등록된 인증 수단이 있으면 교체",
        ("otp-admin provision", "name") => "인증 수단의 이름",
        ("otp-admin provision", "hotp") => "버튼식 토큰처럼 시계 대신 카운터 사용",
        ("otp-admin provision", "counter") => "첫 인증 코드의 카운터",
        ("otp-admin import google-authenticator", "paths") => {
            "파일, 사용자 이름의 파일이 있는 디렉터리, 또는 secret=처럼 ~, ${USER}, ${HOME}이 있는 경로 [기본값: 홈 디렉터리의 파일]"
        }
        ("otp-admin import google-authenticator", "user") => {
            "파일의 사용자(파일의 소유자로 알 수 없을 때)"
        }
        ("otp-admin import oath", "path") => "파일(예: /etc/users.oath)",
        ("otp-admin import oath", "window") => "/etc/pam.d에 있는 pam_oath 줄의 window= 값",
        ("otp-admin import oath", "digits") => "그 줄의 digits= 값",
        ("otp-admin import uris" | "otp-admin import pskc", "path") => "파일",
        ("otp-admin import uris" | "otp-admin import pskc", "user") => {
            "키의 사용자(파일에 사용자가 없을 때)"
        }
        ("otp-admin import uris" | "otp-admin import pskc", "window") => {
            "기존 서버가 확인한 주기 또는 카운터의 수"
        }
        ("otp-admin import pskc", "key_file") => "다른 키를 암호화한 AES 키가 있는 파일",
        ("otp-admin import pskc", "without_mac") => "MAC으로 보호되지 않는 암호화된 키도 가져오기",
        (import, "dry_run") if import.starts_with("otp-admin import ") => {
            "가져올 항목과 가져오지 않을 항목만 표시하고 아무것도 변경하지 않음"
        }
        (import, "partial") if import.starts_with("otp-admin import ") => {
            "가져올 수 없는 항목이 있어도 나머지 가져오기"
        }
        (import, "json") if import.starts_with("otp-admin import ") => "JSON 객체 하나로 출력",
        ("otp-admin doctor", "services") => "점검할 서비스 [기본값: pam_otp 줄이 있는 모든 서비스]",
        ("otp-admin doctor", "root") => "점검할 다른 시스템의 루트 디렉터리",
        ("otp-admin protect", "service") => "서비스(예: sshd, sudo)",
        ("otp-admin unprotect", "service") => "서비스",
        ("otp-admin protect" | "otp-admin unprotect", "dry_run") => {
            "변경할 내용만 표시하고 아무것도 변경하지 않음"
        }
        ("otp-admin protect", "within") => "로그인해 보고 확정할 수 있는 시간(초)",
        ("otp-admin events", "user") => "이 사용자의 이벤트만 표시",
        ("otp-admin events", "since") => "이때부터의 이벤트만 표시(UTC 날짜, 또는 얼마 전인지)",
        ("otp-admin events", "newest") => "가장 최근의 이 수만큼만 오래된 순으로 표시",
        ("otp-admin events", "file") => "이 syslog 파일 읽기",
        ("otp-admin events", "machine") => "이 컴퓨터의 로그인만 표시(플릿이나 로그에 있는 이름)",
        ("otp-admin fleet init", "verifiers") => {
            "etcd용 인증서의 일반 이름(CN)으로 지정하는 검증 서버(여러 번 지정 가능)"
        }
        ("otp-admin fleet init", "administrator") => "인증서의 이름으로 지정하는 첫 관리자",
        ("otp-admin fleet init", "without_key") => "봉인 키를 만들지 않음",
        ("otp-admin fleet carry-key" | "otp-admin fleet backup", "file") => "새 파일",
        ("otp-admin fleet take-key", "file") => "파일",
        ("otp-admin fleet carry-key", "key_file") => {
            "암호화에 사용할 32바이트 키가 있는 파일 [기본값: 암호를 입력받음]"
        }
        ("otp-admin fleet take-key", "key_file") => {
            "암호화할 때 사용한 키가 있는 파일 [기본값: 암호를 입력받음]"
        }
        ("otp-admin fleet backup", "key_file") => {
            "32바이트 키가 있는 파일 [기본값: 암호를 입력받음]"
        }
        ("otp-admin fleet restore", "key_file") => {
            "백업할 때 사용한 키가 있는 파일 [기본값: 암호를 입력받음]"
        }
        ("otp-admin fleet add-machine", "name") => "컴퓨터의 인증서에 있는 첫 번째 DNS 이름",
        ("otp-admin fleet add-machine", "zones") => {
            "이 영역의 사용자만 확인하도록 제한(여러 번 지정 가능) [기본값: 모든 사용자]"
        }
        ("otp-admin fleet add-administrator", "name") => "인증서에 있는 첫 번째 DNS 이름",
        ("otp-admin fleet revoke", "name") => "인증서에 있는 이름",
        ("otp-admin fleet restore", "file") => "백업",
        ("otp-admin fleet restore", "replace") => "플릿의 현재 내용을 교체",
        ("otp-admin fleet restore" | "otp-admin fleet confirm", "trust_clock") => {
            "플릿에 저장된 시각과 관계없이 이 호스트의 시계를 그대로 사용"
        }
        ("otp-admin seal", "new_key") => "키가 없으면 만들고 아직 아무것도 봉인하지 않음",
        ("otp-admin seal", "rotate") => "모두 새 키로 봉인하고 기존 키는 더 이상 사용하지 않음",
        ("otp-admin seal", "undo") => "봉인을 모두 해제",
        ("otp-admin seal", "status") => {
            "봉인한 키별로 등록 정보의 수를 표시하고 아무것도 변경하지 않음"
        }
        ("otp-admin seal", "key") => "키 파일 [기본값: 정책에 적힌 파일]",
        ("otp-admin seal", "credential") => "부팅할 때 키 파일을 만드는 systemd 자격 증명",
        ("otp-admin policy check", "file") => "검사할 파일 [기본값: --conf의 파일]",
        ("otp-admin policy check", "force") => "명령을 실행한 사용자를 거부하는 정책이라도 인정",
        ("otp-admin policy show", "service") => "이 서비스로 로그인하면 어떻게 되는지 표시",
        _ => return None,
    })
}
