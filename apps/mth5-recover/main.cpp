#include <cstdio>
#include <filesystem>
#include <functional>

#include <boost/program_options/value_semantic.hpp>
#include <nlohmann/json.hpp>

#include "cli/cli.hpp"
#include "mth5/recover.hpp"
#include "recovery.hpp"

namespace {

namespace fs = std::filesystem;
namespace po = boost::program_options;
using Paths = std::vector<std::string>;
using recovery::Progress;
using recovery::say;

cli::CommandLine command_line() {
  cli::CommandLine line{"mth5-recover",
                        "mth5-recover - put right what a dead writer left, and make old files fit for appending",
                        {"[OPTIONS] FILE…", "--undo BEFORE FILE", "--set-swmr [--output NEW] FILE"},
                        po::options_description{"Options"}};
  line.options.add_options()                                                                                        //
      ("check", "also read every sample of every channel")                                                          //
      ("undo", po::value<std::string>()->value_name("BEFORE"), "put back what a recovery changed of FILE")          //
      ("set-swmr", "copy FILE to a new file beside it that can be appended to under SWMR")                          //
      ("output", po::value<std::string>()->value_name("NEW"), "name of the new file (default FILE with .swmr.h5)")  //
      ("dry-run", "say what would be done")                                                                         //
      ("json", "report as JSON, one object per line")                                                               //
      ("path", po::value<Paths>(), "");
  line.positional.add("path", -1);
  line.footer =
      "A file whose writer lives is never touched. What is changed of a file is kept in FILE.before-recovery first: of a\n"
      "file with a journal the places that change, of others the whole file.\n\n"
      "Exit: 0 done, or nothing to do; 1 failure, or a writer lives; 2 usage; 4 a file is damaged or not MTH5.\n";
  return line;
}

void set_swmr(const fs::path& path, const fs::path& target, bool dry_run, bool json) {
  nlohmann::json report{{"file", path.string()}, {"new", target.string()}};
  if (dry_run) {
    report["action"] = "would-copy";
    return say(json, report, path.string() + ": would be copied to " + target.string());
  }
  const auto made = [&] {
    Progress progress{target, json};
    return mth5::copy_for_swmr(path, target, std::ref(progress));
  }();
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
  const bool check = values.count("check") > 0;
  if (values.count("undo") > 0) {
    if (paths.size() > 1 || copy || check || dry_run) throw cli::UsageError{"--undo goes with one file and nothing else"};
    recovery::undo(paths.front(), values["undo"].as<std::string>(), json);
    return cli::kDone;
  }
  if (values.count("output") > 0 && (!copy || paths.size() > 1))
    throw cli::UsageError{"--output goes with --set-swmr and one file"};
  // One bad file must not keep the others from being put right.
  int code = cli::kDone;
  bool sound = true;
  for (const auto& path : paths) {
    try {
      if (copy)
        set_swmr(path,
                 values.count("output") > 0 ? fs::path{values["output"].as<std::string>()}
                                            : fs::path{path}.replace_extension(".swmr.h5"),
                 dry_run, json);
      else
        sound = recovery::recover(path, {dry_run, json, check}) && sound;
    } catch (const mth5::Error& e) {
      if (paths.size() == 1) throw;
      std::fprintf(stderr, "mth5-recover: error: %s\n", e.what());
      code = dynamic_cast<const mth5::FormatError*>(&e) != nullptr ? cli::kDamaged : cli::kFailure;
    }
  }
  return sound ? code : cli::kDamaged;
}

}  // namespace

int main(int argc, char** argv) { return cli::run_main("mth5-recover", argc, argv, recover_main); }
