#!/bin/sh
# Puts Debian's AWS CLI, unmodified, into DIR without touching the system, so that any user can run it: DIR/aws.
# Debian's packages that this machine lacks are downloaded with an apt state of our own and unpacked, not installed.
set -eu
dir=${1:?usage: debian-cli.sh DIR}
[ -x "$dir/aws" ] && exit 0

mkdir -p "$dir/apt/lists/partial" "$dir/apt/archives/partial" "$dir/root"
dir=$(cd "$dir" && pwd)
apt() {
	apt-get -q -o Dir::State::Lists="$dir/apt/lists" -o Dir::Cache="$dir/apt" -o Dir::Cache::Archives="$dir/apt/archives" \
		-o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1 "$@"
}

echo "conformance: fetching Debian's AWS CLI into $dir" >&2
apt update >"$dir/apt/log" 2>&1 || { cat "$dir/apt/log" >&2; exit 1; }
missing=$(apt install --simulate --no-install-recommends awscli | sed -n 's/^Inst \([^ ]*\).*/\1/p')
cd "$dir/apt/archives"
# Nothing is missing where the CLI is installed already: then the system's own is the one to run.
[ -z "$missing" ] || apt download $missing >>"$dir/apt/log" 2>&1 || { cat "$dir/apt/log" >&2; exit 1; }
for package in *.deb; do
	[ ! -e "$package" ] || dpkg-deb --extract "$package" "$dir/root"
done
python=/usr/bin/python3
[ -x "$python" ] || python=$dir/root/usr/bin/python3.11
script=$dir/root/usr/bin/aws
[ -e "$script" ] || script=/usr/bin/aws

cat >"$dir/aws.new" <<END
#!/bin/sh
export PYTHONPATH='$dir/root/usr/lib/python3/dist-packages' LD_LIBRARY_PATH='$dir/root/usr/lib/x86_64-linux-gnu'
exec '$python' '$script' "\$@"
END
chmod +x "$dir/aws.new"
"$dir/aws.new" --version >&2
rm -rf "$dir/apt"
mv "$dir/aws.new" "$dir/aws"
