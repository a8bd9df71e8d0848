#pragma once

#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <boost/program_options/options_description.hpp>
#include <boost/program_options/positional_options.hpp>
#include <boost/program_options/variables_map.hpp>

/// What all programs share: exit codes, one-line errors, --help and --version. Thread: main.
namespace cli {

/// Exit codes; the contract with users. Where several hold (many files, say) the highest wins.
enum Exit : int {
  kDone = 0,
  kFailure = 1,
  kUsage = 2,
  kConfig = 3,
  kDamaged = 4,        ///< a file is damaged or not MTH5
  kWriterDied = 5,     ///< the writer of a file died without closing it
  kCheckWarning = 6,   ///< of `--check`
  kCheckCritical = 7,  ///< the same
  kInterrupted = 130
};

/// The command line is wrong: exit 2, with a hint at --help.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
/// The configuration is wrong: exit 3. what() may hold several lines, one per finding.
class ConfigError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Runs `body` and turns what it throws into one line `program: error: …` on stderr and an exit code: UsageError and
/// program_options errors 2, ConfigError 3, mth5::FormatError 4, anything else 1. Checks that stdout took everything.
/// Puts /dev/null behind standard descriptors that are closed. Switches SIGPIPE and SIGXFSZ off. With relay_stderr() it waits a
/// second at most for who reads stderr. What it prints is made printable: names in files may hold commands for a terminal.
int run_main(std::string_view program, int argc, char** argv, const std::function<int(int, char**)>& body);

/// Whether stderr is a stream of systemd's journal, which takes a priority, `<3>`, in front of a line.
bool stderr_is_journal();

/// One line `program: text` on stderr; text of files in it is made printable. The journal is told that an error is one.
void tell(std::string_view program, std::string_view text);

/// A command line: options in groups, each program's own text before them.
struct CommandLine {
  std::string program;
  std::string summary;                                  ///< "mth5d - records …"
  std::vector<std::string> usage;                       ///< lines behind the program's name
  boost::program_options::options_description options;  ///< -h, -V, -v, -q are added
  boost::program_options::positional_options_description positional = {};
  std::string footer = {};  ///< examples, exit codes, files
};

struct Parsed {
  boost::program_options::variables_map values;
  int verbosity = 0;      ///< -v counts up, -q down
  bool answered = false;  ///< --help or --version was printed: exit 0
};

/// Parses without abbreviations; prints --help or --version to stdout itself.
/// @throws UsageError, boost::program_options::error
Parsed parse(const CommandLine& line, int argc, char** argv);

/// "0.1.0+3f2a1c": version and what git says of the checkout.
std::string build_id();
/// "program 0.1.0+3f2a1c (HDF5 1.10.8, compiled with 1.10.8)".
std::string version_line(std::string_view program);

/// Nearest of `known` to a misspelt `word` by edit distance, "" if none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

/// Whether to colour a stream: --color=always|never|auto; auto = terminal and NO_COLOR unset or empty.
bool use_color(std::string_view option, int fd);

}  // namespace cli
