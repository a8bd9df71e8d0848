#include "cli/cli.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <sstream>

#include <boost/program_options/parsers.hpp>

#include "build_version.hpp"
#include "cli/stderr_relay.hpp"
#include "mth5/error.hpp"
#include "mth5/file.hpp"
#include "mth5/metadata.hpp"
#include "mth5/printable.hpp"

namespace po = boost::program_options;

namespace cli {

namespace {

int run(std::string_view program, int argc, char** argv, const std::function<int(int, char**)>& body) {
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a limit on file sizes is an error of the write that meets it, as a full disk is
  const auto say = [&](std::string_view what) { tell(program, "error: " + std::string{what}); };
  int code = kFailure;
  try {
    code = body(argc, argv);
  } catch (const UsageError& e) {
    say(e.what());
    std::fprintf(stderr, "Try '%.*s --help'.\n", int(program.size()), program.data());
    return kUsage;
  } catch (const po::error& e) {
    say(e.what());
    std::fprintf(stderr, "Try '%.*s --help'.\n", int(program.size()), program.data());
    return kUsage;
  } catch (const ConfigError& e) {
    std::istringstream lines{e.what()};
    for (std::string line; std::getline(lines, line);) tell(program, "config error: " + line);
    return kConfig;
  } catch (const mth5::FormatError& e) {
    say(e.what());
    return kDamaged;
  } catch (const std::exception& e) {
    say(e.what());
    return kFailure;
  }
  std::cout.flush();
  if (!std::cout || std::fflush(stdout) != 0) {
    if (errno != EPIPE) say("standard output: could not be written completely");
    return code == kDone ? kFailure : code;
  }
  return code;
}

/// Whoever started us may have closed 0, 1 or 2: the next file opened, a data file too, would be what others read or write there.
/// What has no place to go still fails: the first two are opened the wrong way round.
void fill_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF) continue;
    const int mode = fd == STDIN_FILENO ? O_WRONLY : fd == STDOUT_FILENO ? O_RDONLY : O_RDWR;
    if (open("/dev/null", mode) != fd) std::_Exit(kFailure);  // nobody could be told, nor the files be kept apart
  }
}

}  // namespace

int run_main(std::string_view program, int argc, char** argv, const std::function<int(int, char**)>& body) {
  fill_standard_descriptors();
  const int code = run(program, argc, argv, body);
  flush_stderr();
  return code;
}

bool stderr_is_journal() {
  // It is inherited by everything that a service starts, wherever that has its stderr.
  const char* named = std::getenv("JOURNAL_STREAM");
  struct stat now {};
  if (named == nullptr || fstat(original_stderr(), &now) != 0) return false;
  return named == std::to_string(now.st_dev) + ":" + std::to_string(now.st_ino);
}

void tell(std::string_view program, std::string_view text) {
  const bool is_error = text.find("error: ") == 0 || text.find("config error: ") == 0;
  std::fprintf(stderr, "%s%.*s: %s\n", is_error && stderr_is_journal() ? "<3>" : "", int(program.size()), program.data(),
               mth5::printable(text).c_str());
}

std::string build_id() { return mth5::kBuildId; }

std::string version_line(std::string_view program) {
  return std::string{program} + " " + mth5::kBuildId + " (libmth5 " + mth5::version_text() + ")";
}

Parsed parse(const CommandLine& line, int argc, char** argv) {
  po::options_description common{"Common"};
  common.add_options()("help,h", "print this and exit")("version,V", "print the version and exit")(
      "verbose,v", po::value<std::vector<bool>>()->zero_tokens()->composing(), "say more; may be repeated")(
      "quiet,q", po::bool_switch(), "say errors only");
  po::options_description all;
  all.add(line.options).add(common);

  namespace style = po::command_line_style;
  // No abbreviations: a script that says --once must not change its meaning when --once-more is added.
  // `-v -v` and `-vv` both count; program_options refuses a repeated switch, so they are counted by hand.
  int verbosity = 0;
  std::vector<std::string> args;
  bool options_end = false;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    options_end |= arg == "--";
    if (!options_end &&
        (arg == "--verbose" || (arg.size() > 1 && arg[0] == '-' && arg.find_first_not_of('v', 1) == std::string::npos)))
      verbosity += arg == "--verbose" ? 1 : int(arg.size()) - 1;
    else
      args.push_back(arg);
  }
  Parsed parsed;
  po::store(po::command_line_parser(args)
                .options(all)
                .positional(line.positional)
                .style(style::unix_style & ~style::allow_guessing)
                .run(),
            parsed.values);
  if (parsed.values.count("help") > 0) {
    po::options_description shown{"Options", 110, 60};
    for (const auto& option : all.options())
      if (!option->description().empty()) shown.add(option);
    std::cout << line.summary << "\n\nUsage:\n";
    for (const auto& usage : line.usage) std::cout << "  " << line.program << " " << usage << "\n";
    std::cout << "\n" << shown;
    if (!line.footer.empty()) std::cout << "\n" << line.footer;
    parsed.answered = true;
    return parsed;
  }
  if (parsed.values.count("version") > 0) {
    std::cout << version_line(line.program) << "\n";
    parsed.answered = true;
    return parsed;
  }
  po::notify(parsed.values);
  parsed.verbosity = parsed.values["quiet"].as<bool>() ? -1 : verbosity;
  return parsed;
}

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  const std::vector<std::string_view> candidates{known.begin(), known.end()};
  return std::string{mth5::nearest(word, candidates)};
}

bool use_color(std::string_view option, int fd) {
  if (option == "always") return true;
  if (option == "never") return false;
  if (option != "auto") throw UsageError{"--color: '" + std::string{option} + "' is not auto, always or never"};
  const char* no_color = std::getenv("NO_COLOR");
  return isatty(fd) != 0 && (no_color == nullptr || *no_color == '\0');
}

}  // namespace cli
