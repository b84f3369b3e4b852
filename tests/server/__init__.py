"""What runs: settings, sign-in, commands, jobs, migrations, backups."""
