#!/usr/bin/env bash
# What the package does when it is configured, where a disk that the data folder is a link to is not mounted: it says so, and the
# package is configured. Called with the source tree.
set -u
source_dir=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
data=$folder/lib-mth5d
ln -s "$folder/disk" "$data"
script=$(sed -e 's/^#DEBHELPER#$//' -e "s#/var/lib/mth5d#$data#g" -e "s#/run/systemd/system#$folder/none#g" "$source_dir/debian/mth5-daq.postinst")
said=$(sh -c "$script" postinst configure 0.1.0) || { echo "postinst: failed where $data is a link to nowhere"; exit 1; }
[[ $said == *"$data is a symbolic link to $folder/disk, which is not there"* ]] || { echo "postinst: says '$said'"; exit 1; }
[[ -L $data && ! -e $folder/disk ]] || { echo "postinst: made what the link points to"; exit 1; }
mkdir "$folder/disk"
said=$(sh -c "$script" postinst configure 0.1.0) || { echo "postinst: failed where the disk is there"; exit 1; }
[[ -z $said ]] || { echo "postinst: says '$said' where the disk is there"; exit 1; }
