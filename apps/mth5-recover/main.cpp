#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include <boost/program_options/value_semantic.hpp>
#include <nlohmann/json.hpp>

#include "cli/cli.hpp"
#include "mth5/file.hpp"
#include "mth5/reader.hpp"
#include "mth5/recover.hpp"

namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;
using Paths = std::vector<std::string>;

cli::CommandLine command_line() {
  cli::CommandLine line{"mth5-recover",
                        "mth5-recover - put right what a dead writer left, and make old files fit for appending",
                        {"[OPTIONS] FILE…", "--set-swmr [--output NEW] FILE"},
                        po::options_description{"Options"}};
  line.options.add_options()                                                                                        //
      ("set-swmr", "copy FILE to a new file beside it that can be appended to under SWMR")                          //
      ("output", po::value<std::string>()->value_name("NEW"), "name of the new file (default FILE with .swmr.h5)")  //
      ("dry-run", "say what would be done")                                                                         //
      ("json", "report as JSON, one object per line")                                                               //
      ("path", po::value<Paths>(), "");
  line.positional.add("path", -1);
  line.footer =
      "A file whose writer lives is never touched. Before a file is changed, it is copied to FILE.before-recovery.\n\n"
      "Exit: 0 done, or nothing to do; 1 failure, or a writer lives; 2 usage; 4 a file is damaged or not MTH5.\n";
  return line;
}

void say(bool json, const nlohmann::json& report, const std::string& text) {
  std::printf("%s\n", json ? report.dump().c_str() : text.c_str());
}

/// The whole file, before anything of it is changed. @returns its name
fs::path keep_copy(const fs::path& file) {
  fs::path copy = file.string() + ".before-recovery";
  for (int n = 2; fs::exists(fs::symlink_status(copy)); ++n) copy = file.string() + ".before-recovery_" + std::to_string(n);
  fs::copy_file(file, copy);
  return copy;
}

void recover(const fs::path& path, bool dry_run, bool json) {
  nlohmann::json report{{"file", path.string()}};
  if (mth5::probe(path).state == mth5::FileState::Closed) {
    const mth5::Reader reader{path};
    report["action"] = "none";
    return say(json, report, path.string() + ": closed in order, nothing to do");
  }
  if (dry_run) {
    report["action"] = "would-recover";
    return say(json, report, path.string() + ": is marked as being written; would be recovered unless its writer lives");
  }
  mth5::require_no_writer(path);
  const fs::path copy = keep_copy(path);
  auto file = mth5::File::open(path, "r+");
  const auto done = file.recovery();
  file.close();
  const mth5::Reader reader{path};
  std::string text = path.string() + ": recovered; as it was before: " + copy.string();
  report["action"] = "recovered";
  report["copy"] = copy.string();
  report["done"] = done;
  for (const auto& line : done) text += "\n  " + line;
  for (const auto& run : reader.runs()) {
    text += "\n  " + run.station + "/" + run.id + ": " + std::to_string(run.n_samples) + " samples in each of " +
            std::to_string(run.channels.size()) + " channels, " + mth5::to_iso(run.start) + " to " + mth5::to_iso(run.end());
    report["runs"].push_back({{"station", run.station}, {"run", run.id}, {"n_samples", run.n_samples}});
  }
  say(json, report, text);
}

void set_swmr(const fs::path& path, const fs::path& target, bool dry_run, bool json) {
  nlohmann::json report{{"file", path.string()}, {"new", target.string()}};
  if (dry_run) {
    report["action"] = "would-copy";
    return say(json, report, path.string() + ": would be copied to " + target.string());
  }
  const bool show = !json && isatty(STDERR_FILENO) != 0;
  int shown = -1;
  const auto progress = [&](std::int64_t done, std::int64_t total) {
    const int percent = total > 0 ? static_cast<int>(100 * done / total) : 100;
    if (show && percent != shown) std::fprintf(stderr, "\r%s: %d %%", target.c_str(), shown = percent);
  };
  const auto made = mth5::copy_for_swmr(path, target, progress);
  if (show && shown >= 0) std::fputc('\n', stderr);
  report.update({{"action", "copied"},
                 {"groups", made.groups},
                 {"datasets", made.datasets},
                 {"attributes", made.attributes},
                 {"references", made.references},
                 {"samples", made.samples},
                 {"notes", made.notes}});
  std::string text = path.string() + ": copied to " + target.string() +
                     ", which can be appended to under SWMR: " + std::to_string(made.samples) + " samples compared, " +
                     std::to_string(made.datasets) + " datasets, " + std::to_string(made.attributes) + " attributes, " +
                     std::to_string(made.references) + " references rewritten";
  for (const auto& line : made.notes) text += "\n  " + line;
  say(json, report, text);
}

int recover_main(int argc, char** argv) {
  const auto parsed = cli::parse(command_line(), argc, argv);
  if (parsed.answered) return cli::kDone;
  const auto& values = parsed.values;
  if (values.count("path") == 0) throw cli::UsageError{"no file given"};
  const auto& paths = values["path"].as<Paths>();
  const bool dry_run = values.count("dry-run") > 0;
  const bool json = values.count("json") > 0;
  const bool copy = values.count("set-swmr") > 0;
  if (values.count("output") > 0 && (!copy || paths.size() > 1))
    throw cli::UsageError{"--output goes with --set-swmr and one file"};
  // One bad file must not keep the others from being put right.
  int code = cli::kDone;
  for (const auto& path : paths) {
    try {
      if (copy)
        set_swmr(path,
                 values.count("output") > 0 ? fs::path{values["output"].as<std::string>()}
                                            : fs::path{path}.replace_extension(".swmr.h5"),
                 dry_run, json);
      else
        recover(path, dry_run, json);
    } catch (const mth5::Error& e) {
      if (paths.size() == 1) throw;
      std::fprintf(stderr, "mth5-recover: error: %s\n", e.what());
      code = dynamic_cast<const mth5::FormatError*>(&e) != nullptr ? cli::kDamaged : cli::kFailure;
    }
  }
  return code;
}

}  // namespace

int main(int argc, char** argv) { return cli::run_main("mth5-recover", argc, argv, recover_main); }
