#include "mth5-monitor/terminal.hpp"

#include <fcntl.h>
#include <langinfo.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string>
#include <string_view>

#define NCURSES_WIDECHAR 1
#include <ncurses.h>

namespace monitor {

namespace {

constexpr double kShare = 0.7;  ///< of a slow line that the screen may take
/// Of those that end a program and that nobody waits for.
constexpr std::array kEnds{SIGSEGV, SIGABRT, SIGBUS,  SIGFPE, SIGILL,  SIGSYS,  SIGTRAP, SIGUSR1,   SIGUSR2,
                           SIGALRM, SIGPROF, SIGPOLL, SIGPWR, SIGPIPE, SIGXCPU, SIGXFSZ, SIGVTALRM, SIGSTKFLT};

/// For a crash or another sudden end: a handler may do next to nothing, so all is ready before.
struct Restore {
  pid_t pid = 0;  ///< 0: nothing is to be restored. Not for children, which crash on damaged files.
  termios modes{};
  std::array<char, 256> commands{};
  std::size_t size = 0;
};
Restore restore;

void on_end(int number) {
  if (restore.pid == getpid()) {
    [[maybe_unused]] const auto sent = write(STDOUT_FILENO, restore.commands.data(), restore.size);
    tcsetattr(STDIN_FILENO, TCSANOW, &restore.modes);
  }
  std::signal(number, SIG_DFL);
  raise(number);
}

const char* const kNoSuchText = reinterpret_cast<const char*>(-1);  ///< of tigetstr(): no text at all

void prepare_restore(const termios& before) {
  std::string commands;
  for (const char* name : {"sgr0", "rmkx", "rmcup", "cnorm"})
    if (const char* text = tigetstr(name); text != nullptr && text != kNoSuchText) commands += text;
  if (const char* mouse = tigetstr("kmous"); mouse != nullptr && mouse != kNoSuchText) commands += "\033[?1006l\033[?1000l";
  restore.size = std::min(commands.size(), restore.commands.size());
  std::memcpy(restore.commands.data(), commands.data(), restore.size);
  restore.modes = before;
  restore.pid = getpid();
  const auto take = [](int number) {
    struct sigaction now {};
    sigaction(number, nullptr, &now);
    if (now.sa_handler != SIG_DFL) return;  // of a sanitizer, or one that is ignored
    struct sigaction action {};
    action.sa_handler = on_end;
    sigaction(number, &action, nullptr);
  };
  for (const int number : kEnds) take(number);
  for (int number = SIGRTMIN; number <= SIGRTMAX; ++number) take(number);
}

double bits_per_second(speed_t speed) {
  constexpr std::array<std::pair<speed_t, double>, 14> kSpeeds{{{B110, 110},
                                                                {B300, 300},
                                                                {B600, 600},
                                                                {B1200, 1200},
                                                                {B1800, 1800},
                                                                {B2400, 2400},
                                                                {B4800, 4800},
                                                                {B9600, 9600},
                                                                {B19200, 19200},
                                                                {B38400, 38400},
                                                                {B57600, 57600},
                                                                {B115200, 115200},
                                                                {B230400, 230400},
                                                                {B460800, 460800}}};
  for (const auto& [code, bits] : kSpeeds)
    if (code == speed) return bits;
  return 0;
}

/// Bytes a second of the line, of which each takes ten bits; 0: it has no speed. A pseudo terminal says 38400 unless somebody who
/// stands for a real line says otherwise.
double line_speed(const termios& modes) {
  struct stat status {};
  const bool pseudo = fstat(STDOUT_FILENO, &status) == 0 && major(status.st_rdev) >= 136 && major(status.st_rdev) <= 143;
  const auto speed = cfgetospeed(&modes);
  return pseudo && speed == B38400 ? 0 : bits_per_second(speed) / 10;
}

/// Bytes that this process has written so far; nullopt where /proc does not say.
std::optional<std::uint64_t> bytes_written() {
  std::ifstream io{"/proc/self/io"};
  std::string name;
  for (std::uint64_t value = 0; io >> name >> value;)
    if (name == "wchar:") return value;
  return std::nullopt;
}

attr_t plain_attributes(view::Ink ink) {
  switch (ink) {
    case view::Ink::Quiet:
      return A_DIM;
    case view::Ink::Title:
    case view::Ink::Good:
    case view::Ink::Warning:
      return A_BOLD;
    case view::Ink::Critical:
      return A_BOLD | A_REVERSE;
    case view::Ink::Selected:
      return A_REVERSE;
    case view::Ink::Plain:
    case view::Ink::Trace:
    case view::Ink::Other:
      break;
  }
  return A_NORMAL;
}

/// Number of the pair of colours; 0 = those of the terminal.
short pair_of(view::Ink ink) {
  switch (ink) {
    case view::Ink::Good:
      return 1;
    case view::Ink::Warning:
      return 2;
    case view::Ink::Critical:
      return 3;
    case view::Ink::Trace:
      return 4;
    case view::Ink::Other:
      return 5;
    default:
      return 0;
  }
}

class Curses final : public Terminal {
 public:
  Curses(SCREEN* screen, const termios& before, bool color) : screen_{screen}, speed_{line_speed(before)} {
    cbreak();
    noecho();
    nonl();
    set_escdelay(25);
    keypad(stdscr, TRUE);
    nodelay(stdscr, TRUE);
    leaveok(stdscr, TRUE);
    curs_set(0);
    mousemask(BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON4_PRESSED | BUTTON5_PRESSED, nullptr);
    mouseinterval(0);
    color_ = color && has_colors();
    if (color_) {
      start_color();
      use_default_colors();
      init_pair(1, COLOR_GREEN, -1);
      init_pair(2, COLOR_YELLOW, -1);
      init_pair(3, COLOR_RED, -1);
      init_pair(4, COLOR_CYAN, -1);
      init_pair(5, COLOR_MAGENTA, -1);
    }
    prepare_restore(before);
  }
  ~Curses() override {
    restore.pid = 0;
    endwin();
    delscreen(screen_);
  }

  [[nodiscard]] int rows() const override { return LINES; }
  [[nodiscard]] int columns() const override { return COLS; }

  std::chrono::nanoseconds draw(const view::Screen& screen, bool all) override {
    const bool utf8 = std::string_view{nl_langinfo(CODESET)} == "UTF-8";
    if (all) clearok(curscr, TRUE);
    for (int row = 0; row < std::min(rows(), screen.rows()); ++row)
      for (int column = 0; column < std::min(columns(), screen.columns()); ++column) {
        const auto& cell = screen.at(row, column);
        if (cell.glyph == 0) continue;
        std::array<wchar_t, 3> text{static_cast<wchar_t>(cell.glyph), static_cast<wchar_t>(cell.mark), 0};
        if (!utf8 && cell.glyph >= 0x80) text = {L'?', 0, 0};
        cchar_t character;
        setcchar(&character, text.data(), plain_attributes(cell.ink), color_ ? pair_of(cell.ink) : short{0}, nullptr);
        mvadd_wch(row, column, &character);
      }
    wnoutrefresh(stdscr);
    if (speed_ <= 0) {
      doupdate();
      return {};
    }
    const auto before = bytes_written();
    doupdate();
    const auto after = bytes_written();
    if (!before || !after) return std::chrono::seconds{1};
    const double seconds = static_cast<double>(*after - *before) / (kShare * speed_);
    return std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(seconds));
  }

  [[nodiscard]] std::optional<char32_t> key() override {
    wint_t code = 0;
    const int kind = get_wch(&code);
    if (kind == ERR) return std::nullopt;
    if (kind == KEY_CODE_YES) return special(code);
    if (code == L'\t') return view::kTab;
    if (code == L'\r' || code == L'\n') return view::kEnter;
    if (code == 0x1b) return view::kEscape;
    if (code == 0x7f || code == 0x08) return view::kBackspace;
    return static_cast<char32_t>(code);
  }

  void resize() override {
    winsize size{};
    if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) resizeterm(size.ws_row, size.ws_col);
  }
  void leave() override { endwin(); }
  void come_back() override {
    reset_prog_mode();
    resize();
    clearok(curscr, TRUE);
    refresh();
  }

 private:
  static char32_t special(wint_t code) {
    switch (code) {
      case KEY_UP:
        return view::kUp;
      case KEY_DOWN:
        return view::kDown;
      case KEY_LEFT:
        return view::kLeft;
      case KEY_RIGHT:
        return view::kRight;
      case KEY_BTAB:
        return view::kBackTab;
      case KEY_HOME:
        return view::kHome;
      case KEY_END:
        return view::kEnd;
      case KEY_PPAGE:
        return view::kPageUp;
      case KEY_NPAGE:
        return view::kPageDown;
      case KEY_ENTER:
        return view::kEnter;
      case KEY_BACKSPACE:
        return view::kBackspace;
      case KEY_F(1):
        return view::kHelp;
      case KEY_MOUSE: {
        MEVENT event;
        if (getmouse(&event) != OK) return 0;
        if ((event.bstate & BUTTON4_PRESSED) != 0) return view::kUp;
        if ((event.bstate & BUTTON5_PRESSED) != 0) return view::kDown;
        return view::key_at(event.y, event.x);
      }
      default:
        return 0;
    }
  }

  SCREEN* screen_;
  double speed_;  ///< bytes a second; 0 = not known
  bool color_ = false;
};

}  // namespace

std::unique_ptr<Terminal> Terminal::open(bool color) {
  const char* term = std::getenv("TERM");
  if (isatty(STDIN_FILENO) == 0 || isatty(STDOUT_FILENO) == 0) return nullptr;
  if (term == nullptr || *term == '\0' || std::string_view{term} == "dumb") return nullptr;
  termios before{};
  if (tcgetattr(STDIN_FILENO, &before) != 0) return nullptr;
  SCREEN* screen = newterm(nullptr, stdout, stdin);
  if (screen == nullptr) return nullptr;
  set_term(screen);
  return std::make_unique<Curses>(screen, before, color);
}

view::Glyphs glyphs_of_terminal(bool ascii) {
  const char* term = std::getenv("TERM");
  if (ascii || std::string_view{nl_langinfo(CODESET)} != "UTF-8") return view::Glyphs::Ascii;
  return term != nullptr && std::string_view{term}.starts_with("linux") ? view::Glyphs::Blocks : view::Glyphs::Braille;
}

}  // namespace monitor
